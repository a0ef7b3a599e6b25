"""DuckDB: rows as Arrow batches, results by registered Arrow and one MERGE; never row by row."""

from __future__ import annotations

import logging
import re
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from airflow_provider_openai_batch.tables import names, sql, types
from airflow_provider_openai_batch.tables.base import BATCH_ROWS
from airflow_provider_openai_batch.tables.failures import Failure, told
from airflow_provider_openai_batch.tables.grouping import grouped
from airflow_provider_openai_batch.tables.merge import MARK, SqlTarget
from airflow_provider_openai_batch.tables.plan import Column, Existing, Staging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_openai_batch.tables.base import Written

    Sleep = Callable[[float], object]

log = logging.getLogger(__name__)

DIALECT = "duckdb"
#: How long to wait for another process that holds the file, and how often to look.
PATIENCE = 600.0
LOOK, MOMENT = 5.0, 0.05
#: What DuckDB may cache while it is read, where the connection sets nothing: else it keeps the whole file.
READ_MEMORY = "128MB"
#: What a load may use, where the connection sets nothing, before DuckDB spills to its temporary folder.
WRITE_MEMORY = "256MB"
#: How often a transaction that met another one is done again.
TRIES = 20

#: Types that are read as they are, alone or in a list.
NATIVE = re.compile(
    r"(BOOLEAN|U?(TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE|VARCHAR|DATE|BLOB|DECIMAL\(\d+,\s*\d+\)"
    r"|TIMESTAMP(_S|_MS|_NS)?|TIMESTAMP WITH TIME ZONE)(\[\d*\])?"
)
LOGICAL = {
    "UUID": types.UUID_TEXT,
    "TIME": types.TIME_TEXT,
    "JSON": types.JSON,
    "HUGEINT": types.DECIMAL_TEXT,
    "UHUGEINT": types.DECIMAL_TEXT,
}
#: Errors whose texts name tables, columns, and files, but quote no values; and those a retry may get past.
TELLING = (
    "BinderException", "CatalogException", "ConnectionException", "HTTPException", "IOException",
    "NotImplementedException", "ParserException", "PermissionException", "SyntaxException",
    "TransactionException",
)  # fmt: skip
PASSING = (
    "ConnectionException",
    "HTTPException",
    "IOException",
    "OutOfMemoryException",
    "TransactionException",
)


def source(hook: Any, query: sql.Query, sleep: Sleep = time.sleep) -> ArrowSource:
    """Read a query through Airflow's DuckDB hook."""
    return ArrowSource(
        driver=sql.Driver(partial(connect, hook, sleep), explain), query=query, limited=_is_limited(hook)
    )


def target(hook: Any, parts: tuple[str, ...], sleep: Sleep = time.sleep) -> SqlTarget:
    """Write to a table through Airflow's DuckDB hook."""
    return SqlTarget(parts=parts, session=partial(_session, hook, sleep))


def connect(hook: Any, sleep: Sleep) -> Any:
    """Open the database; while another process holds the file, wait for it."""
    waited = 0.0
    while True:
        try:
            connection = hook.get_conn()
        except duckdb.Error as error:
            pause = _pause(error)
            if not pause or waited >= PATIENCE:
                raise
            sleep(pause)
            waited += pause
        else:
            connection.execute("SET TimeZone = 'UTC'")
            return connection


def _pause(error: duckdb.Error) -> float:
    """Say how long to wait for whoever holds the file; 0 when nobody does."""
    if isinstance(error, duckdb.IOException) and "lock" in str(error):
        log.info("Another process holds the DuckDB file; looking again in %.0f s.", LOOK)
        return LOOK
    # A thread of this process is about to open or close it.
    return MOMENT if type(error).__name__ == "ResourceInUseException" else 0.0


def _is_limited(hook: Any) -> bool:
    """Tell whether the connection itself says how much memory DuckDB may use."""
    given = {"memory_limit", "max_memory"} & set(getattr(hook, "settings", ()))
    return bool(given or getattr(hook, "memory_limit", None))


def explain(error: Exception) -> Failure | None:
    """Explain an error of DuckDB; the texts of errors that quote values are left out."""
    if not isinstance(error, duckdb.Error):
        return None
    name, text = type(error).__name__, str(error).strip().split("\n", 1)[0]
    if name == "OutOfMemoryException":
        return Failure(
            "DuckDB is out of memory; raise 'memory_limit' in the connection's extra.", lasting=False
        )
    shown = text if name in TELLING or "read-only" in text else f"{name} (its text may hold row values)."
    return Failure(f"DuckDB: {shown}", lasting=name not in PASSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrowSource:
    """Rows as DuckDB's own Arrow batches."""

    driver: sql.Driver
    query: sql.Query
    #: The connection says how much memory DuckDB may use.
    limited: bool = False

    def columns(self) -> tuple[str, ...]:
        with self.driver.connection() as connection:
            return sql.distinct(self._describe(connection).columns)

    @contextmanager
    def read(self, columns: Sequence[str]) -> Iterator[Iterator[pa.RecordBatch]]:
        with self.driver.connection() as connection:
            described = self._describe(connection)
            kinds = dict(zip(described.columns, map(str, described.types), strict=True))
            chosen = [choose(self.query.quoted(name), kinds[name]) for name in columns]
            statement = self.query.select([expression for expression, _ in chosen])
            reader = self._started(connection, statement)
            fields = [
                types.plain(field.with_name(name).with_metadata(meaning))
                for name, field, (_, meaning) in zip(columns, reader.schema, chosen, strict=True)
            ]
            yield self._batches(reader, fields)

    def _describe(self, connection: Any) -> Any:
        return self._run(connection, self.query.select(["*"], " LIMIT 0"))

    def _run(self, connection: Any, statement: str) -> Any:
        with told("The source's query fails", explain):
            return connection.sql(statement, params=self.query.parameters)

    def _started(self, connection: Any, statement: str) -> Reader:
        """Start a query; one that needs more than we let DuckDB cache gets DuckDB's own limit."""
        with told("The source cannot be read", explain):
            if self.limited:
                return Reader(self._run(connection, statement))
            usual = connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
            connection.execute(f"SET memory_limit = '{READ_MEMORY}'")
            try:
                return Reader(self._run(connection, statement))
            except duckdb.OutOfMemoryException:
                connection.execute(f"SET memory_limit = '{usual}'")
                return Reader(self._run(connection, statement))

    @staticmethod
    def _batches(reader: Any, fields: list[pa.Field]) -> Iterator[pa.RecordBatch]:
        schema, empty = pa.schema(fields), True
        while True:
            with told("The source cannot be read", explain):
                batch = next(reader)
            if batch is None:
                break
            arrays = [
                types.fitted(column, field) for column, field in zip(batch.columns, fields, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
            empty = False
        if empty:
            yield types.no_rows(schema)


class Reader:
    """Arrow batches of a query that has given its first one."""

    def __init__(self, relation: Any) -> None:
        reader = getattr(relation, "to_arrow_reader", relation.fetch_arrow_reader)(BATCH_ROWS)
        self.schema: pa.Schema = reader.schema
        self._batches: Iterator[pa.RecordBatch | None] = chain([next(reader, None)], reader)

    def __next__(self) -> pa.RecordBatch | None:
        return next(self._batches, None)


def choose(quoted: str, kind: str) -> tuple[str, dict[bytes, bytes] | None]:
    """Say what to select for a column and what its text then is."""
    if NATIVE.fullmatch(kind):
        return quoted, None
    if kind.endswith("]") or kind.startswith(("STRUCT(", "MAP(")):
        return f"CAST(to_json({quoted}) AS VARCHAR)", types.JSON
    return f"CAST({quoted} AS VARCHAR)", LOGICAL.get(kind)


@contextmanager
def _session(hook: Any, sleep: Sleep, doing: str) -> Iterator[Session]:
    with told(doing, explain), closing(connect(hook, sleep)) as connection:
        connection.execute("SET preserve_insertion_order = false")
        if not _is_limited(hook):
            connection.execute(f"SET memory_limit = '{WRITE_MEMORY}'")
        yield Session(connection, sleep, limited=_is_limited(hook))


TABLES = """
SELECT database_name, schema_name, table_name FROM duckdb_tables()
WHERE lower(table_name) = lower(?) AND lower(schema_name) = lower(coalesce(?, current_schema()))
  AND lower(database_name) = lower(coalesce(?, current_database()))
"""
COLUMNS = """
SELECT column_name, data_type, is_nullable, column_default IS NOT NULL FROM duckdb_columns()
WHERE database_name = ? AND schema_name = ? AND table_name = ? ORDER BY column_index
"""
CONSTRAINTS = """
SELECT constraint_column_names FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE')
  AND database_name = ? AND schema_name = ? AND table_name = ?
"""
INDEXES = """
SELECT sql FROM duckdb_indexes() WHERE is_unique
  AND database_name = ? AND schema_name = ? AND table_name = ?
"""


class Session:
    """One connection; rows are staged in its temporary database, before the transaction."""

    dialect = DIALECT

    def __init__(self, connection: Any, sleep: Sleep, *, limited: bool = True) -> None:
        self._connection = connection
        self._sleep = sleep
        #: The memory that it has is all that it may use.
        self._limited = limited

    def find(self, parts: tuple[str, ...]) -> Existing | None:
        table, schema, database = (*reversed(parts), None, None)[:3]
        found = self._rows(TABLES, table, schema, database)
        if not found:
            return None
        place = tuple(found[0])
        columns = tuple(
            Column(name=name, type=kind, nullable=nullable, filled=filled, words=_words(kind))
            for name, kind, nullable, filled in self._rows(COLUMNS, *place)
        )
        unique = [frozenset(row[0]) for row in self._rows(CONSTRAINTS, *place)]
        indexes = [_index_columns(row[0]) for row in self._rows(INDEXES, *place)]
        return Existing(parts=place, columns=columns, unique=(*unique, *filter(None, indexes)))

    def _rows(self, statement: str, *parameters: object) -> list[sql.Row]:
        return self._connection.execute(statement, list(parameters)).fetchall()  # type: ignore[no-any-return]

    def stage(self, staging: Staging, batches: Iterator[pa.RecordBatch]) -> int:
        self._connection.execute(staging.create(DIALECT))
        chosen = [column.field.name for column in staging.columns]
        view, staged = f"batch_arrow_{uuid4().hex}", 0
        for group in grouped(batches):
            table = group.select(chosen).rename_columns([f"c{index}" for index in range(len(chosen))])
            self._connection.register(view, table)
            insert = f"INSERT INTO {names.quote(staging.name, DIALECT)} SELECT * FROM {view}"
            try:
                self._connection.execute(insert)
            except duckdb.OutOfMemoryException:
                self._lift()
                self._connection.execute(insert)
            self._connection.unregister(view)
            staged += table.num_rows
        return staged

    def transact(self, parts: tuple[str, ...], work: Callable[[], Written], *, keep: bool) -> Written:  # noqa: ARG002
        """Do the work again when another transaction of this process was faster."""
        for turn in range(1, TRIES + 1):
            self._connection.execute("BEGIN")
            try:
                done = work()
                self._connection.execute("COMMIT" if keep else "ROLLBACK")
            except duckdb.OutOfMemoryException:
                self._rollback()
                self._lift()
            except duckdb.TransactionException:
                self._rollback()
                if turn == TRIES:
                    raise
                self._sleep(turn / 10)
            except BaseException:
                self._rollback()
                raise
            else:
                return done
        raise AssertionError

    def _lift(self) -> None:
        """Go on with DuckDB's own limit, once; raises the error at hand when that is used already."""
        if self._limited:
            raise  # noqa: PLE0704  (called while an error is handled)
        self._connection.execute("RESET memory_limit")
        self._limited = True

    def _rollback(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error:  # a failed COMMIT has ended the transaction
            log.debug("No transaction to roll back.")

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        rows = self._rows(statement.replace(MARK, "?"), *parameters)
        return int(rows[0][0]) if rows else 0

    def one(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return self.run(statement, parameters)

    def fetch(self, statement: str) -> list[sql.Row]:
        return self._rows(statement)


def _words(kind: str) -> tuple[str, ...] | None:
    """Read the words of an enum, or of a list of one."""
    if not kind.startswith("ENUM("):
        return None
    found = exp.DataType.build(kind, dialect=DIALECT).find_all(exp.Literal)
    return tuple(literal.name for literal in found if literal.is_string)


def _index_columns(statement: str) -> frozenset[str] | None:
    """Read the columns of a unique index; None when it is over an expression."""
    index = sqlglot.parse_one(statement, read=DIALECT).find(exp.Index)
    parts = [
        part.this if isinstance(part, exp.Ordered) else part for part in index.args["params"].args["columns"]
    ]
    return frozenset(part.name for part in parts) if all(isinstance(p, exp.Column) for p in parts) else None
