"""PostgreSQL by ADBC: rows and results as Arrow, in the server's own binary form."""

from __future__ import annotations

import logging
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.dialect.statements import MARK
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.warehouses.postgres import column_types
from airflow_provider_openai_batch.tables.warehouses.postgres.copy_binary import loaded, made
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT
from airflow_provider_openai_batch.tables.warehouses.postgres.errors import (
    explain,
    explain_row,
    no_form,
    state_of,
)
from airflow_provider_openai_batch.tables.warehouses.postgres.psycopg_driver import SETTINGS, is_old

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_openai_batch.tables.plan import Staging
    from airflow_provider_openai_batch.tables.sources import sql
    from airflow_provider_openai_batch.tables.warehouses.postgres.column_types import Chosen
    from airflow_provider_openai_batch.tables.warehouses.postgres.copy_binary import Loaded

log = logging.getLogger(__name__)

#: How many bytes of rows the driver collects at most.
BATCH_BYTES = 4 << 20
#: The first version that writes a NULL in a list.
FIRST_WHOLE = (1, 13)
#: Redshift and other relatives of PostgreSQL say that they are older.
OLDEST = 100_000
#: Extras of Airflow's own that psycopg never sees, so that ADBC misses nothing.
OF_AIRFLOW = frozenset(
    {"iam", "redshift", "redshift-serverless", "cluster-identifier", "workgroup-name", "aws_conn_id"}
    | {"sqlalchemy_scheme", "sqlalchemy_query", "azure_conn_id"}
)
#: The first and the last day and microsecond that Python has; PostgreSQL has more, also infinite ones.
DAYS = (-719_162, 2_932_896)
MOMENTS = (-62_135_596_800_000_000, 253_402_300_799_999_999)


def connect(hook: Any, connection: Any) -> Any | None:
    """Open a second connection like the one that Airflow's hook made; None where ADBC cannot be used."""
    try:
        from adbc_driver_postgresql import __version__, dbapi  # noqa: PLC0415
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415
    except ImportError:
        return None
    if not (is_whole(__version__) and can_carry(hook, connection)):
        return None
    try:
        made = dbapi.connect(make_conninfo(**_parameters(connection)))
    except dbapi.Error as error:
        state = f", SQLSTATE {state_of(error)}" if state_of(error) else ""
        log.warning(
            "ADBC cannot connect to PostgreSQL (%s%s); going on with psycopg, which uses more CPU.",
            type(error).__name__,
            state,
        )
        return None
    try:
        Wire(made).rows(SETTINGS)
    except BaseException:
        made.close()
        raise
    return made


def is_whole(version: str) -> bool:
    """Tell whether a version of ADBC writes all that it is given: older ones lose a NULL in a list."""
    return tuple(map(int, version.split(".")[:2])) >= FIRST_WHOLE


def can_carry(hook: Any, connection: Any) -> bool:
    """Tell whether a connection by libpq alone is what the hook's is.

    It is not where the hook is not Airflow's own, the connection sets what only psycopg knows, the server is
    a relative of PostgreSQL, or its texts have no encoding.
    """
    from airflow.providers.postgres.hooks.postgres import PostgresHook  # noqa: PLC0415

    if getattr(type(hook), "get_conn", None) is not PostgresHook.get_conn:
        return False
    try:
        known = _known_parameters()
    except ImportError:
        return False
    info = connection.info
    encoding = info.parameter_status("server_encoding")
    return (
        set(hook.connection.extra_dejson) <= known | OF_AIRFLOW
        and info.server_version >= OLDEST
        and encoding != "SQL_ASCII"
    )


def _known_parameters() -> set[str]:
    """Return the parameters that psycopg's libpq knows, which may be older than that of another driver."""
    from psycopg.pq import Conninfo  # noqa: PLC0415

    return {option.keyword.decode() for option in Conninfo.get_defaults()}


def _parameters(connection: Any) -> dict[str, str]:
    """Return what libpq made the connection of; ADBC reads UTF-8 only."""
    info, known = connection.info, _known_parameters()
    found = dict(info.dsn_parameters if is_old(connection) else info.get_parameters())
    if info.password:
        found["password"] = info.password
    return {name: value for name, value in found.items() if name in known} | {"client_encoding": "UTF8"}


@contextmanager
def read(connection: Any, statement: str, chosen: Sequence[Chosen]) -> Iterator[Iterator[pa.RecordBatch]]:
    """Read the rows of a statement that selects the columns and then their guards."""
    options = {"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)}
    with closing(connection.cursor(adbc_stmt_kwargs=options)) as opened:
        with told("The source's query fails", explain):
            opened.execute(statement)
        yield _batches(opened, chosen)


def expressions(chosen: Sequence[Chosen]) -> list[str]:
    """Select the columns, and then of each array whether it has more than one dimension.

    ADBC would lay these out as one; and it reads arrays only that begin with the place 1, as slices do.
    """
    columns = [(column.expression, arrow_types.is_list(column.field.type)) for column in chosen]
    return [
        *(f"({expression})[:]" if is_list else expression for expression, is_list in columns),
        *(f"coalesce(array_ndims({expression}) > 1, false)" for expression, is_list in columns if is_list),
    ]


def _batches(opened: Any, chosen: Sequence[Chosen]) -> Iterator[pa.RecordBatch]:
    """Give the rows of a query that was started, with the guards after its columns."""
    fields = [column.field for column in chosen]
    lists = [field for field in fields if arrow_types.is_list(field.type)]
    schema, found, empty = pa.schema(fields), iter(_reader(opened)), True
    while True:
        with told("The source cannot be read", explain_row):
            batch = next(found, None)
        if batch is None:
            break
        for field, nested in zip(lists, batch.columns[len(fields) :], strict=True):
            if pc.any(nested).as_py():
                raise column_types.invalid_value(field, "nested")
        arrays = [_checked(*column) for column in zip(fields, batch.columns, strict=False)]
        made = pa.RecordBatch.from_arrays(arrays, schema=schema)
        yield from (made.slice(first, BATCH_ROWS) for first in range(0, made.num_rows, BATCH_ROWS))
        empty = empty and not made.num_rows
    if empty:
        yield arrow_types.no_rows(schema)


def _reader(opened: Any) -> Any:
    """Return the reader whose errors have a SQLSTATE; the public one tells less."""
    reader = getattr(getattr(opened, "_results", None), "reader", None)
    return opened.fetch_record_batch() if reader is None else reader


def _checked(field: pa.Field, column: pa.Array) -> pa.Array:
    array = column_types.from_arrow(field, column)
    values = pc.list_flatten(array) if arrow_types.is_list(array.type) else array
    if pa.types.is_date32(values.type) or pa.types.is_timestamp(values.type):
        whole, (least, most) = (
            (pa.int32(), DAYS) if pa.types.is_date32(values.type) else (pa.int64(), MOMENTS)
        )
        reach = pc.min_max(values.cast(whole)).as_py()
        if reach["min"] is not None and not least <= reach["min"] <= reach["max"] <= most:
            raise InvalidRequest(f"The source cannot be read: {no_form('OverflowError').text}")
    return array


class Wire:
    """A connection of ADBC as a session uses it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[sql.Row]:
        """Run a query and give its rows."""
        with closing(self.connection.cursor()) as opened:
            _execute(opened, statement, parameters)
            return opened.fetchall()  # type: ignore[no-any-return]

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement and count the rows that it changed; with parameters, they are not counted."""
        with closing(self.connection.cursor()) as opened:
            _execute(opened, statement, parameters)
            return int(opened.rowcount)

    def stage(self, staging: Staging, batches: Iterator[pa.RecordBatch]) -> int:
        """Load the rows into a temporary table, and show them as the target's types."""
        columns = [loaded(column) for column in staging.columns]
        table, statements = made(staging, columns)
        for statement in statements:
            self.run(statement)
        stream = Stream(columns, batches)
        with closing(self.connection.cursor()) as opened:
            try:
                opened.adbc_ingest(table, stream.reader(), mode="append", temporary=True)
            except Exception as error:  # noqa: BLE001  (nothing is swallowed)
                raise stream.error or error from None
        self.run(f"ANALYZE {DIALECT.quote(table)}")
        return stream.rows

    def commit(self) -> None:
        """Keep what was done."""
        self.connection.commit()

    def rollback(self) -> None:
        """Take back what was done."""
        self.connection.rollback()

    def close(self) -> None:
        """Close the connection; what was not kept is taken back."""
        self.connection.close()


def _execute(opened: Any, statement: str, parameters: Sequence[Any]) -> None:
    for number in range(len(parameters)):
        statement = statement.replace(MARK, f"${number + 1}", 1)
    opened.execute(statement, list(parameters) or None)


class Stream:
    """Batches on their way into the driver."""

    def __init__(self, columns: Sequence[Loaded], batches: Iterator[pa.RecordBatch]) -> None:
        self._columns = columns
        self._batches = batches
        self.rows = 0
        #: What stopped the batches; the driver hides it behind an error of its own.
        self.error: BaseException | None = None

    def reader(self) -> pa.RecordBatchReader:
        """Give the rows as the driver pulls them."""
        none = pa.RecordBatch.from_pylist(
            [], schema=pa.schema([column.column.field for column in self._columns])
        )
        schema = self._batch(none).schema
        return pa.RecordBatchReader.from_batches(schema, self._pulled())

    def _pulled(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._batches:
                self.rows += batch.num_rows
                yield self._batch(batch)
        except BaseException as error:
            self.error = error
            raise

    def _batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(
            [column.values(batch) for column in self._columns],
            names=[column.column.name for column in self._columns],
        )
