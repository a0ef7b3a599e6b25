"""Rows of MySQL as the server writes them: every value is fetched as its own text, by any client alike."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.grouping import next_fetch
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.warehouses.mysql import driver
from airflow_provider_openai_batch.tables.warehouses.mysql.errors import explain, explain_query

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Rows of the first fetch, before their width is known.
FIRST_FETCH = 512
NEWDECIMAL, BIT, JSON, GEOMETRY, FLOAT = 246, 16, 245, 255, 4
TEXTS = frozenset({15, 247, 248, 249, 250, 251, 252, 253, 254})
#: Integers by the number of their type, without and with a sign; a `tinyint(1)` is one, as the server says.
INTEGERS = {
    1: (pa.int8(), pa.uint8()), 2: (pa.int16(), pa.uint16()), 3: (pa.int32(), pa.uint32()),
    8: (pa.int64(), pa.uint64()), 9: (pa.int32(), pa.uint32()), 13: (pa.int16(), pa.int16()),
}  # fmt: skip
OTHERS = {
    5: pa.float64(), 7: arrow_types.UTC, 10: pa.date32(), 12: pa.timestamp("us"), BIT: pa.uint64(),
    FLOAT: pa.float32(),
}  # fmt: skip
MOST_DIGITS = 65
DIGITS_OF_128_BITS = 38


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A column of the query, as the driver describes it."""

    name: str
    code: int
    unsigned: bool
    #: How many characters a value has at most, where the driver tells.
    length: int | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A column of the source: what is selected and what it is in Arrow."""

    expression: str
    field: pa.Field


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSource:
    """Rows by a stream; the types are those that the server declares."""

    driver: sql.Driver
    query: sql.Query

    def columns(self) -> tuple[str, ...]:
        with self.driver.connection() as connection:
            return sql.distinct(column.name for column in self._on(connection).describe())

    @contextmanager
    def read(self, columns: Sequence[str]) -> Iterator[Iterator[pa.RecordBatch]]:
        with self.driver.connection() as connection:
            opened = self._on(connection)
            chosen = opened.choose(columns)
            stream = driver.streaming(connection)
            opened.execute(stream, opened.query.select([column.expression for column in chosen]))
            try:
                yield _batches(stream, [column.field for column in chosen])
            finally:
                driver.abandon(stream)

    def _on(self, connection: Any) -> Opened:
        percent = self.query.percent and driver.reads_percent(connection)
        return Opened(connection, replace(self.query, percent=percent))


@dataclass(frozen=True, slots=True)
class Opened:
    """A query on a connection."""

    connection: Any
    query: sql.Query

    def execute(self, opened: Any, statement: str) -> None:
        """Run the user's query on a cursor."""
        written = self.query.written(statement)
        sql.execute(opened, statement, self.query.parameters, explain_query, written)

    def describe(self) -> list[Described]:
        """Ask for the columns of the query."""
        with closing(driver.cursor(self.connection)) as opened:
            self.execute(opened, self.query.select(["*"], " LIMIT 0"))
            return [
                Described(
                    name=column[0], code=column[1], unsigned=bool(flags & driver.UNSIGNED),
                    length=column[4],
                )
                for column, flags in zip(opened.description, driver.flags(opened), strict=True)
            ]  # fmt: skip

    def choose(self, columns: Sequence[str]) -> list[Chosen]:
        """Say how each of these columns is read."""
        described = {column.name: column for column in self.describe()}
        wanted = [described[name] for name in columns]
        told = self._probe([column for column in wanted if column.code in {NEWDECIMAL, *TEXTS}])
        return [
            _choose(column, self.query.quoted(column.name), told.get(column.name, "")) for column in wanted
        ]

    def _probe(self, columns: Sequence[Described]) -> dict[str, str]:
        """Ask what drivers do not tell alike: the character set of a text, and zero with a decimal's scale.

        The query gives no row, and the outer join one that is NULL but has its types.
        """
        if not columns:
            return {}
        one = (
            "SELECT `source`.* FROM (SELECT 1 AS `batch_one`) `one` LEFT JOIN "
            f"(\n{self.query.none().text}\n) `source` ON TRUE"
        )
        asked = [_asked(column, self.query.quoted(column.name)) for column in columns]
        with closing(driver.cursor(self.connection)) as opened:
            self.execute(opened, replace(self.query, text=one).select(asked))
            row = opened.fetchone()
        return {column.name: _ascii(value) for column, value in zip(columns, row, strict=True)}


def _asked(column: Described, quoted: str) -> str:
    return f"CAST(IFNULL({quoted}, 0) AS CHAR)" if column.code == NEWDECIMAL else f"CHARSET({quoted})"


def _ascii(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).decode()


def _choose(column: Described, quoted: str, told: str) -> Chosen:
    """Choose an expression whose value is bytes for every driver, and the type that they are read as."""
    code, name = column.code, column.name
    if code in INTEGERS or code == BIT:  # the sum of it and nothing has no zeros before it, nor bits
        kind = OTHERS[BIT] if code == BIT else INTEGERS[code][column.unsigned]
        return Chosen(_bytes(f"{quoted} + 0"), pa.field(name, kind))
    if code == FLOAT:  # the server writes six digits of it, but all of a double
        return Chosen(_bytes(f"{quoted} + 0e0"), pa.field(name, OTHERS[FLOAT]))
    if code == NEWDECIMAL:
        return Chosen(_bytes(quoted), pa.field(name, _decimal(column, told)))
    if code in OTHERS:
        return Chosen(_bytes(quoted), pa.field(name, OTHERS[code]))
    if code in TEXTS and told == "binary":
        return Chosen(_bytes(quoted), pa.field(name, pa.binary()))
    meaning = arrow_types.JSON if code == JSON else None
    text = f"ST_AsText({quoted})" if code == GEOMETRY else quoted
    return Chosen(_bytes(f"CONVERT({text} USING utf8mb4)"), pa.field(name, pa.string(), metadata=meaning))


def _bytes(expression: str) -> str:
    return f"CAST({expression} AS BINARY)"


def _decimal(column: Described, zero: str) -> pa.DataType:
    """Give the type of a decimal, whose digits not every driver tells."""
    scale = len(zero.partition(".")[2])
    signs = (scale > 0) + (not column.unsigned)
    digits = MOST_DIGITS if column.length is None else min(max(column.length - signs, scale, 1), MOST_DIGITS)
    made = pa.decimal128 if digits <= DIGITS_OF_128_BITS else pa.decimal256
    return made(digits, scale)


def _batches(stream: Any, fields: list[pa.Field]) -> Iterator[pa.RecordBatch]:
    schema, size, first = pa.schema(fields), FIRST_FETCH, True
    while True:
        with told("The source cannot be read", explain):
            rows = stream.fetchmany(size)
        columns = zip(fields, sql.columns_of(rows, len(fields)), strict=True)
        batch = pa.RecordBatch.from_arrays([_array(*column) for column in columns], schema=schema)
        if rows or first:
            yield batch
        if not rows:
            return
        size, first = next_fetch(batch), False


def _array(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    """Read the server's texts as a type of Arrow; what no type holds, such as day zero, is an error."""
    raw = pa.array([v if v is None or type(v) is bytes else bytes(v) for v in values], pa.binary())
    if pa.types.is_binary(field.type):
        return raw
    try:
        text = raw.cast(pa.string())
        if field.type == arrow_types.UTC:
            return text.cast(pa.timestamp("us")).cast(pa.int64()).cast(field.type)
        return text.cast(field.type)
    except pa.ArrowException as error:
        reason = type(error).__name__
    raise InvalidRequest(
        f"Column {field.name!r} holds a value that {field.type} cannot represent ({reason}), such as the "
        "date 0000-00-00; cast it in the source, as by NULLIF."
    )
