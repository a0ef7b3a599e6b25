"""PostgreSQL by psycopg, of either generation: rows by a named cursor, results by COPY's text format."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa

from airflow_provider_openai_batch.tables.dialect.statements import MARK
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.grouping import next_fetch
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.warehouses.postgres import column_types, copy_text
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT
from airflow_provider_openai_batch.tables.warehouses.postgres.errors import explain, explain_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_openai_batch.tables.plan import Staging

#: Rows of the first fetch, before their width is known.
FIRST_FETCH = 512
#: What the text of a value depends on, the same on every connection; floats are written without loss.
SETTINGS = (
    "SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false), "
    "set_config('IntervalStyle', 'postgres', false), set_config('extra_float_digits', '3', false), "
    "set_config('bytea_output', 'hex', false)"
)
#: Dates and times, alone and in lists, by their numbers.
MOMENTS = {1082: 1182, 1114: 1115, 1184: 1185}


def connect(hook: Any) -> Any:
    """Open a connection on which the text of a value is always the same."""
    connection = hook.get_conn()
    with closing(cursor(connection)) as opened:
        opened.execute(SETTINGS)
    if is_old(connection):
        _refuse_infinity(connection)
    return connection


def is_old(connection: Any) -> bool:
    """Tell whether it is psycopg 2's."""
    return type(connection).__module__.startswith("psycopg2")


def cursor(connection: Any, name: str | None = None) -> Any:
    """Open a cursor that gives tuples, whatever the connection's extra says."""
    if is_old(connection):
        from psycopg2.extensions import cursor as plain  # noqa: PLC0415

        return connection.cursor(name, cursor_factory=plain)
    from psycopg.rows import tuple_row  # noqa: PLC0415

    return (
        connection.cursor(name, row_factory=tuple_row) if name else connection.cursor(row_factory=tuple_row)
    )


def _refuse_infinity(connection: Any) -> None:
    """Make psycopg 2 raise where a date is infinite: it reads the last day that Python knows."""
    from psycopg2 import extensions  # noqa: PLC0415

    for number, of_list in MOMENTS.items():
        made = extensions.new_type((number,), "FINITE", _finite(extensions.string_types[number]))
        extensions.register_type(made, connection)
        extensions.register_type(extensions.new_array_type((of_list,), "FINITE[]", made), connection)


def _finite(read: Callable[[str | None, Any], Any]) -> Callable[[str | None, Any], Any]:
    def checked(value: str | None, opened: Any) -> Any:
        if value is not None and value.endswith("infinity"):
            raise ValueError
        return read(value, opened)

    return checked


def bound(connection: Any, statement: str, parameters: object) -> str:
    """Write the user's parameters into the statement, as the driver quotes them; every path reads this text.

    Without parameters the text stays as it is, so that `%` needs no doubling.
    """
    if not parameters:
        return statement
    with told("The source's query fails", explain), closing(_binding(connection)) as opened:
        written = opened.mogrify(statement, parameters)
    if isinstance(written, str):
        return written
    from psycopg2.extensions import encodings  # noqa: PLC0415

    return written.decode(encodings[connection.encoding])  # type: ignore[no-any-return]


def _binding(connection: Any) -> Any:
    if is_old(connection):
        return cursor(connection)
    from psycopg import ClientCursor  # noqa: PLC0415

    return ClientCursor(connection)


def describe(connection: Any, query: sql.Query) -> Sequence[Any]:
    """Describe the query's columns as the server declares them."""
    statement = query.select(["*"], " LIMIT 0")
    written = query.written(statement)
    with told("The source's query fails", explain, written), closing(cursor(connection)) as opened:
        opened.execute(bound(connection, statement, query.parameters))
        return opened.description  # type: ignore[no-any-return]


@contextmanager
def read(connection: Any, statement: str, fields: list[pa.Field]) -> Iterator[Iterator[pa.RecordBatch]]:
    """Read the rows by a named cursor, which the server keeps."""
    with closing(cursor(connection, f"batch_{uuid4().hex}")) as named:
        sql.execute(named, statement, None, explain)
        yield _batches(named, fields)


def _batches(named: Any, fields: list[pa.Field]) -> Iterator[pa.RecordBatch]:
    schema, size, first = pa.schema(fields), FIRST_FETCH, True
    while True:
        with told("The source cannot be read", explain_row):
            rows = named.fetchmany(size)
        columns = zip(fields, sql.columns_of(rows, len(fields)), strict=True)
        batch = pa.RecordBatch.from_arrays(
            [column_types.from_values(*column) for column in columns], schema=schema
        )
        if rows or first:
            yield batch
        if not rows:
            return
        size, first = next_fetch(batch), False


class Wire:
    """A connection of psycopg as a session uses it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[sql.Row]:
        """Run a query and give its rows."""
        with closing(cursor(self.connection)) as opened:
            self._execute(opened, statement, parameters)
            return opened.fetchall()  # type: ignore[no-any-return]

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement and count the rows that it changed."""
        with closing(cursor(self.connection)) as opened:
            self._execute(opened, statement, parameters)
            return int(opened.rowcount)

    def stage(self, staging: Staging, batches: Iterator[pa.RecordBatch]) -> int:
        """Load the rows into the temporary table, typed as the target is; PostgreSQL reads the texts."""
        table = DIALECT.quote(staging.name)
        with closing(cursor(self.connection)) as opened:
            opened.execute(f"{staging.create(DIALECT)} ON COMMIT DROP")
            rows = copy_text.copy(opened, table, staging.columns, batches)
            opened.execute(f"ANALYZE {table}")
        return rows

    def commit(self) -> None:
        """Keep what was done."""
        self.connection.commit()

    def rollback(self) -> None:
        """Take back what was done."""
        self.connection.rollback()

    def close(self) -> None:
        """Close the connection; what was not kept is taken back."""
        self.connection.close()

    @staticmethod
    def _execute(opened: Any, statement: str, parameters: Sequence[Any]) -> None:
        if parameters:
            opened.execute(statement.replace("%", "%%").replace(MARK, "%s"), list(parameters))
        else:
            opened.execute(statement)
