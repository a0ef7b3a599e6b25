"""A query of Snowflake as the driver's Arrow batches, which it fetches part by part."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables import names
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.warehouses.snowflake.errors import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: The driver's codes of types, in its order.
CODES = (
    "FIXED", "REAL", "TEXT", "DATE", "TIMESTAMP", "VARIANT", "TIMESTAMP_LTZ", "TIMESTAMP_TZ", "TIMESTAMP_NTZ",
    "OBJECT", "ARRAY", "BINARY", "TIME", "BOOLEAN", "GEOGRAPHY", "GEOMETRY", "VECTOR", "MAP",
)  # fmt: skip
#: The precision of an INTEGER, whose values have 64 bits at most nearly everywhere; and what those hold.
INTEGER, INT64_DIGITS = 38, 18
TYPES = {
    "REAL": pa.float64(), "TEXT": pa.string(), "DATE": pa.date32(), "BINARY": pa.binary(),
    "BOOLEAN": pa.bool_(), "TIME": pa.time64("us"), "TIMESTAMP_NTZ": pa.timestamp("us"),
    "TIMESTAMP_LTZ": arrow_types.UTC, "TIMESTAMP_TZ": arrow_types.UTC,
}  # fmt: skip
#: How what Arrow has no type for is written as JSON.
AS_JSON: dict[str, Callable[[str], str]] = {
    "VARIANT": "TO_JSON({})".format, "OBJECT": "TO_JSON({})".format, "ARRAY": "TO_JSON({})".format,
    "MAP": "TO_JSON(CAST({} AS OBJECT))".format, "VECTOR": "TO_JSON(CAST({} AS ARRAY))".format,
    "GEOGRAPHY": "TO_JSON(ST_ASGEOJSON({}))".format, "GEOMETRY": "TO_JSON(ST_ASGEOJSON({}))".format,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrowSource:
    """Rows as Arrow, each column of the type that it is declared as."""

    driver: sql.Driver
    query: sql.Query

    def columns(self) -> tuple[str, ...]:
        with self.driver.connection() as connection:
            return sql.distinct(column.name for column in self._described(connection))

    @contextmanager
    def read(self, columns: Sequence[str]) -> Iterator[Iterator[pa.RecordBatch]]:
        with self.driver.connection() as connection:
            described = {column.name: column for column in self._described(connection)}
            chosen = [self._chosen(name, described) for name in columns]
            statement = self.query.select([expression for expression, _ in chosen])
            with closing(connection.cursor()) as cursor:
                written = self.query.written(statement)
                sql.execute(cursor, statement, self.query.parameters, explain, written)
                yield self._batches(cursor, pa.schema([field for _, field in chosen]))

    def _chosen(self, name: str, described: dict[str, Any]) -> tuple[str, pa.Field]:
        """Choose a column by its name, which is in capitals where nobody has quoted it."""
        found = names.find(name, described)
        if found is None:
            raise InvalidRequest(f"The source has no column {name!r}; it has {', '.join(described)}.")
        expression, field = chosen_of(described[found], self.query.quoted(found))
        return expression, field.with_name(name)

    def _described(self, connection: Any) -> list[Any]:
        """Ask for names and types; nothing is run."""
        statement = self.query.select(["*"])
        with (
            told("The source's query fails", explain, self.query.written(statement)),
            closing(connection.cursor()) as cursor,
        ):
            return list(cursor.describe(statement, self.query.parameters or None))

    @staticmethod
    def _batches(cursor: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        found, empty = cursor.fetch_arrow_batches(force_microsecond_precision=True), True
        while True:
            with told("The source cannot be read", explain):
                table = next(found, None)
            if table is None:
                break
            for batch in table.to_batches(max_chunksize=BATCH_ROWS):
                columns = zip(schema, batch.columns, strict=True)
                yield pa.RecordBatch.from_arrays(
                    [fitted(field, array) for field, array in columns], schema=schema
                )
                empty = False
        if empty:
            yield arrow_types.no_rows(schema)


def chosen_of(column: Any, quoted: str) -> tuple[str, pa.Field]:
    """Say what to select for a column, and the field that it becomes."""
    kind = CODES[column.type_code] if column.type_code < len(CODES) else ""
    if kind in AS_JSON:
        return AS_JSON[kind](quoted), pa.field(column.name, pa.string(), metadata=arrow_types.JSON)
    if kind == "FIXED":
        return quoted, pa.field(column.name, _number(column.precision, column.scale))
    if kind not in TYPES:
        raise InvalidRequest(
            f"Column {column.name!r} is of a type that is not read; cast it to VARCHAR in the source."
        )
    return quoted, pa.field(column.name, TYPES[kind])


def _number(precision: int | None, scale: int | None) -> pa.DataType:
    digits, places = precision or INTEGER, scale or 0
    is_integer = not places and (digits <= INT64_DIGITS or digits == INTEGER)
    return pa.int64() if is_integer else pa.decimal128(digits, places)


def fitted(field: pa.Field, array: pa.Array) -> pa.Array:
    """Bring an array to the declared type: the driver chooses one by the values of each part."""
    if array.type == field.type:
        return array
    if pa.types.is_time(field.type) and array.type == pa.time64("ns"):
        return pc.divide(array.cast(pa.int64()), 1000).cast(field.type)
    try:
        return array.cast(field.type)
    except pa.ArrowException:
        raise InvalidRequest(
            f"Column {field.name!r} holds a value that is not {field.type}: an integer of more than 64 bits "
            "is read if the source casts it to NUMBER(37, 0) or to VARCHAR."
        ) from None
