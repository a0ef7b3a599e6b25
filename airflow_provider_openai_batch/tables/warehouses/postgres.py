"""PostgreSQL: rows by a named cursor, results by COPY and one INSERT .. ON CONFLICT."""

from __future__ import annotations

import hashlib
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables import names, sql, types
from airflow_provider_openai_batch.tables.failures import Failure, told
from airflow_provider_openai_batch.tables.grouping import next_fetch
from airflow_provider_openai_batch.tables.merge import MARK, SqlTarget
from airflow_provider_openai_batch.tables.plan import Column, Existing, Staging
from airflow_provider_openai_batch.tables.warehouses import postgres_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_openai_batch.tables.base import Written

DIALECT = "postgres"
#: Rows of the first fetch, before their width is known.
FIRST_FETCH = 512
#: SQLSTATE classes whose texts name tables, columns, and rights, but quote no values.
TELLING = ("08", "0A", "23", "25", "28", "3D", "3F", "40", "42", "53", "55", "57")
#: SQLSTATE classes that a retry may get past: connection, transaction, resources, locks, shutdown.
PASSING = ("08", "40", "53", "55", "57", "58")
#: Errors without a SQLSTATE whose texts quote no values.
TELLING_KINDS = frozenset({"ConnectionTimeout", "InterfaceError", "OperationalError", "ProgrammingError"})

#: Types that are read as they are, by their number in every PostgreSQL; all others are read as text.
SCALARS: dict[int, pa.DataType] = {
    16: pa.bool_(), 17: pa.binary(), 20: pa.int64(), 21: pa.int16(), 23: pa.int32(), 25: pa.string(),
    700: pa.float32(), 701: pa.float64(), 1042: pa.string(), 1043: pa.string(), 1082: pa.date32(),
    1114: pa.timestamp("us"), 1184: types.UTC,
}  # fmt: skip
ARRAYS: dict[int, pa.DataType] = {
    1000: pa.bool_(), 1005: pa.int16(), 1007: pa.int32(), 1009: pa.string(), 1015: pa.string(),
    1016: pa.int64(), 1021: pa.float32(), 1022: pa.float64(), 1115: pa.timestamp("us"),
    1182: pa.date32(), 1185: types.UTC,
}  # fmt: skip
LOGICAL = {114: types.JSON, 3802: types.JSON, 2950: types.UUID_TEXT}
NUMERIC = 1700
#: Precisions that drivers give a numeric without one.
UNKNOWN = {None, -1, 65535}
MAX_PRECISION = 76
DIGITS_OF_128_BITS = 38


def source(hook: Any, query: sql.Query) -> CursorSource:
    """Read a query through Airflow's PostgreSQL hook."""
    return CursorSource(driver=sql.Driver(partial(connect, hook), explain), query=query)


def target(hook: Any, parts: tuple[str, ...]) -> SqlTarget:
    """Write to a table through Airflow's PostgreSQL hook."""
    long = [part for part in parts if len(part.encode()) > names.LONGEST[DIALECT]]
    if long:
        raise InvalidRequest(
            f"{long[0]!r} is longer than the {names.LONGEST[DIALECT]} bytes of a PostgreSQL name."
        )
    return SqlTarget(parts=parts, session=partial(_session, hook))


def connect(hook: Any) -> Any:
    """Open a connection whose times are in UTC."""
    connection = hook.get_conn()
    with closing(cursor(connection)) as opened:
        opened.execute("SET TIME ZONE 'UTC'")
    return connection


def cursor(connection: Any, name: str | None = None) -> Any:
    """Open a cursor that gives tuples, whatever the connection's extra says."""
    if type(connection).__module__.startswith("psycopg2"):
        from psycopg2.extensions import cursor as plain  # type: ignore[import-untyped]  # noqa: PLC0415

        return connection.cursor(name, cursor_factory=plain)
    from psycopg.rows import tuple_row  # noqa: PLC0415

    return (
        connection.cursor(name, row_factory=tuple_row) if name else connection.cursor(row_factory=tuple_row)
    )


def explain(error: Exception) -> Failure | None:
    """Explain a driver's error by its SQLSTATE; DETAIL and texts that may quote values are left out."""
    if not {"DatabaseError", "InterfaceError"} & {kind.__name__ for kind in type(error).__mro__}:
        return None
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if not state:
        return _without_state(error)
    diagnosis = getattr(error, "diag", None)
    text = getattr(diagnosis, "message_primary", None) if state[:2] in TELLING else None
    column = getattr(diagnosis, "column_name", None)
    where = f" in column {column!r}" if column else ""
    return Failure(
        f"PostgreSQL: {text or type(error).__name__}{where} (SQLSTATE {state}).", state[:2] not in PASSING
    )


def _without_state(error: Exception) -> Failure:
    """Explain an error that the driver itself raises; one about data quotes the value."""
    name = type(error).__name__
    if name not in TELLING_KINDS:
        return Failure(
            f"PostgreSQL: {name} (its text may hold row values and is not shown): a value that Python has "
            "no form for, such as a date that is infinite or before Christ; cast it in the source.",
            lasting=True,
        )
    return Failure(f"PostgreSQL: {name}: {_first_line(error)}", lasting=name == "ProgrammingError")


def explain_row(error: Exception) -> Failure | None:
    """Explain also what the driver's parsers of values raise."""
    return _without_state(error) if isinstance(error, ValueError | OverflowError) else explain(error)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "no text")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A column of the source: what is selected and what it is in Arrow."""

    expression: str
    field: pa.Field


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorSource:
    """Rows by a server-side cursor; the types are those that the server declares."""

    driver: sql.Driver
    query: sql.Query

    def columns(self) -> tuple[str, ...]:
        with self.driver.connection() as connection:
            return sql.distinct(column[0] for column in self._describe(connection))

    @contextmanager
    def read(self, columns: Sequence[str]) -> Iterator[Iterator[pa.RecordBatch]]:
        with self.driver.connection() as connection:
            described = {column[0]: column for column in self._describe(connection)}
            chosen = [self._choose(described[name]) for name in columns]
            with closing(cursor(connection, f"batch_{uuid4().hex}")) as named:
                statement = self.query.select([column.expression for column in chosen])
                sql.execute(named, statement, self.query.parameters, explain)
                yield self._batches(named, [column.field for column in chosen])

    def _describe(self, connection: Any) -> Sequence[Any]:
        with closing(cursor(connection)) as opened:
            sql.execute(opened, self.query.select(["*"], " LIMIT 0"), self.query.parameters, explain)
            return opened.description  # type: ignore[no-any-return]

    def _choose(self, described: Any) -> Chosen:
        name, number = described[0], described[1]
        quoted = self.query.quoted(name)
        if number in SCALARS:
            return Chosen(quoted, pa.field(name, SCALARS[number]))
        if number in ARRAYS:
            return Chosen(quoted, pa.field(name, pa.list_(ARRAYS[number])))
        if number == NUMERIC:
            return _choose_numeric(quoted, described)
        return Chosen(f"CAST({quoted} AS TEXT)", pa.field(name, pa.string(), metadata=LOGICAL.get(number)))

    @staticmethod
    def _batches(named: Any, fields: list[pa.Field]) -> Iterator[pa.RecordBatch]:
        schema, size, first = pa.schema(fields), FIRST_FETCH, True
        while True:
            with told("The source cannot be read", explain_row):
                rows = named.fetchmany(size)
            columns = zip(fields, sql.columns_of(rows, len(fields)), strict=True)
            batch = pa.RecordBatch.from_arrays([_array(*column) for column in columns], schema=schema)
            if rows or first:
                yield batch
            if not rows:
                return
            size, first = next_fetch(batch), False


def _choose_numeric(quoted: str, described: Any) -> Chosen:
    """Read a numeric with its scale as a decimal, one without as normalised text."""
    name, precision, scale = described[0], described[4], described[5]
    if precision in UNKNOWN or precision > MAX_PRECISION or not 0 <= (scale or 0) <= precision:
        return Chosen(quoted, pa.field(name, pa.string(), metadata=types.DECIMAL_TEXT))
    made = pa.decimal128 if precision <= DIGITS_OF_128_BITS else pa.decimal256
    return Chosen(quoted, pa.field(name, made(precision, scale or 0)))


def _array(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    if types.logical(field) == "decimal":
        return types.typed(field, [None if value is None else types.plain_decimal(value) for value in values])
    return types.typed(field, values)


@contextmanager
def _session(hook: Any, doing: str) -> Iterator[Session]:
    with told(doing, explain), closing(connect(hook)) as connection:
        yield Session(connection)


COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
       a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '',
       CASE WHEN a.attcollation <> t.typcollation
            THEN quote_ident(n.nspname) || '.' || quote_ident(c.collname) END,
       (SELECT array_agg(e.enumlabel::text) FROM pg_enum e
        WHERE e.enumtypid = CASE t.typcategory WHEN 'A' THEN t.typelem ELSE t.oid END),
       t.typname NOT IN ('bpchar', 'citext') AND coalesce((to_jsonb(c) ->> 'collisdeterministic')::bool, true)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation c ON c.oid = a.attcollation LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
UNIQUE = """
SELECT array_agg(a.attname::text) FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid
 AND a.attnum = ANY ((string_to_array(i.indkey::text, ' ')::int2[])[1:i.indnkeyatts])
WHERE i.indrelid = %s AND i.indisunique AND i.indimmediate AND i.indisvalid
  AND i.indpred IS NULL AND i.indexprs IS NULL GROUP BY i.indexrelid
"""
TABLES = """
SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND lower(c.relname) = lower(%s)
  AND CASE WHEN %s = '' THEN n.nspname = ANY (current_schemas(false)) ELSE lower(n.nspname) = lower(%s) END
ORDER BY array_position(current_schemas(false), n.nspname)
"""


class Session:
    """One connection and one transaction; loads of one table wait for each other at its lock."""

    dialect = DIALECT

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def find(self, parts: tuple[str, ...]) -> Existing | None:
        schema, wanted = _split(parts)
        found = {(row[1], row[2]): row[0] for row in self._rows(TABLES, wanted, schema, schema)}
        place = _place(schema, wanted, list(found))
        if place is None:
            return None
        columns = tuple(
            Column(
                name=name, type=kind, nullable=nullable, filled=filled, collation=collation,
                words=None if words is None else tuple(words), exact=exact,
            )
            for name, kind, nullable, filled, collation, words, exact in self._rows(COLUMNS, found[place])
        )  # fmt: skip
        unique = tuple(frozenset(row[0]) for row in self._rows(UNIQUE, found[place]))
        return Existing(parts=place, columns=columns, unique=unique)

    def _rows(self, statement: str, *parameters: object) -> list[sql.Row]:
        with closing(cursor(self._connection)) as opened:
            opened.execute(statement, parameters)
            return opened.fetchall()  # type: ignore[no-any-return]

    def stage(self, staging: Staging, batches: Iterator[pa.RecordBatch]) -> int:
        table = names.quote(staging.name, DIALECT)
        with closing(cursor(self._connection)) as opened:
            opened.execute(f"{staging.create(DIALECT)} ON COMMIT DROP")
            rows = postgres_copy.copy(opened, table, staging.columns, batches)
            opened.execute(f"ANALYZE {table}")
        return rows

    def transact(self, parts: tuple[str, ...], work: Callable[[], Written], *, keep: bool) -> Written:
        """Wait for other loads of the table, then go on in the transaction that staging began."""
        lock = hashlib.sha256("\0".join(["openai_batch", parts[-1].lower()]).encode()).digest()[:8]
        self._rows("SELECT pg_advisory_xact_lock(%s)::text", int.from_bytes(lock, signed=True))
        done = work()
        if keep:
            self._connection.commit()
        else:
            self._connection.rollback()
        return done

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        with closing(cursor(self._connection)) as opened:
            self._execute(opened, statement, parameters)
            return int(opened.rowcount)

    def one(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        with closing(cursor(self._connection)) as opened:
            self._execute(opened, statement, parameters)
            return int(opened.fetchone()[0])

    def fetch(self, statement: str) -> list[sql.Row]:
        with closing(cursor(self._connection)) as opened:
            self._execute(opened, statement, ())
            return opened.fetchall()  # type: ignore[no-any-return]

    @staticmethod
    def _execute(opened: Any, statement: str, parameters: Sequence[Any]) -> None:
        if parameters:
            opened.execute(statement.replace("%", "%%").replace(MARK, "%s"), list(parameters))
        else:
            opened.execute(statement)


def _split(parts: tuple[str, ...]) -> tuple[str, str]:
    """Take a name apart; a database before the schema is the connection's own."""
    return (parts[-2], parts[-1]) if len(parts) > 1 else ("", parts[0])


def _place(schema: str, table: str, found: list[tuple[str, str]]) -> tuple[str, str] | None:
    """Choose the exact name, else the only one that differs by case."""
    exact = [place for place in found if place[1] == table and schema in {"", place[0]}]
    if exact:
        return exact[0]
    return found[0] if len(found) == 1 else None
