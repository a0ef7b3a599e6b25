"""A query of DuckDB as its own Arrow batches."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.types import arrow_types, plain_fields
from airflow_provider_openai_batch.tables.types.json_texts import finite
from airflow_provider_openai_batch.tables.warehouses.duckdb.errors import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_openai_batch.tables.errors import Written

#: What DuckDB may cache while it is read, where the connection sets nothing: else it keeps the whole file.
READ_MEMORY = "128MB"
#: Types that are read as they are, alone or in a list.
NATIVE = re.compile(
    r"(BOOLEAN|U?(TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE|VARCHAR|DATE|BLOB|DECIMAL\(\d+,\s*\d+\)"
    r"|TIMESTAMP(_S|_MS|_NS)?|TIMESTAMP WITH TIME ZONE)(\[\d*\])?"
)
#: The same inside of structs, maps, and lists, by DuckDB's own names; what else there is, only DuckDB writes.
INSIDE = frozenset({
    "boolean", "tinyint", "utinyint", "smallint", "usmallint", "integer", "uinteger", "bigint", "ubigint",
    "hugeint", "float", "double", "varchar", "blob", "uuid", "date", "time", "timestamp",
    "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone", "null",
})  # fmt: skip
MADE = frozenset({"decimal", "enum"})
LOGICAL = {
    "UUID": arrow_types.UUID_TEXT,
    "TIME": arrow_types.TIME_TEXT,
    "JSON": arrow_types.JSON,
    "HUGEINT": arrow_types.DECIMAL_TEXT,
    "UHUGEINT": arrow_types.DECIMAL_TEXT,
}


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
            kinds = dict(zip(described.columns, described.types, strict=True))
            chosen = [choose(name, self.query.quoted(name), kinds[name]) for name in columns]
            statement = self.query.select([expression for expression, _ in chosen])
            with closing(self._started(connection, statement)) as reader:
                fields = [
                    _field(field.with_name(name).with_metadata(meaning))
                    for name, field, (_, meaning) in zip(columns, reader.schema, chosen, strict=True)
                ]
                yield self._batches(reader, fields, self.query.written(statement))

    def _describe(self, connection: Any) -> Any:
        return self._run(connection, self.query.select(["*"], " LIMIT 0"))

    def _run(self, connection: Any, statement: str) -> Any:
        with told("The source's query fails", explain, self.query.written(statement)):
            return connection.sql(statement, params=self.query.parameters)

    def _started(self, connection: Any, statement: str) -> Reader:
        """Start a query; one that needs more than we let DuckDB cache gets DuckDB's own limit."""
        with told("The source cannot be read", explain, self.query.written(statement)):
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
    def _batches(reader: Any, fields: list[pa.Field], written: Written | None) -> Iterator[pa.RecordBatch]:
        schema, empty = pa.schema(fields), True
        while True:
            with told("The source cannot be read", explain, written):
                batch = next(reader)
            if batch is None:
                break
            arrays = [_fitted(column, field) for column, field in zip(batch.columns, fields, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
            empty = False
        if empty:
            yield arrow_types.no_rows(schema)


class Reader:
    """Arrow batches of a query that has given its first one."""

    def __init__(self, relation: Any) -> None:
        reader = getattr(relation, "to_arrow_reader", relation.fetch_arrow_reader)(BATCH_ROWS)
        self.schema: pa.Schema = reader.schema
        # A result that outlives its connection lets the next one to this file wait forever.
        self.close: Callable[[], None] = reader.close
        self._batches: Iterator[pa.RecordBatch | None] = chain([next(reader, None)], reader)

    def __next__(self) -> pa.RecordBatch | None:
        return next(self._batches, None)


def choose(name: str, quoted: str, kind: Any) -> tuple[str, dict[bytes, bytes] | None]:
    """Say what to select for a column and what its text then is."""
    if NATIVE.fullmatch(str(kind)):
        return quoted, None
    if not _is_nested(kind):
        return f"CAST({quoted} AS VARCHAR)", LOGICAL.get(str(kind))
    inside = list(_inside(kind))
    if all(_is_plain(part) for part in inside):
        return quoted, arrow_types.JSON
    if any(part.id == "blob" for part in inside):
        alone = ", ".join(sorted({str(part) for part in inside if not _is_plain(part)}))
        raise InvalidRequest(
            f"Column {name!r} of type {kind} holds BLOB beside {alone}: only DuckDB writes these as JSON, "
            "and not in base 64; make the bytes text in the source, as by to_base64()."
        )
    return f"CAST(to_json({quoted}) AS VARCHAR)", arrow_types.JSON


def _inside(kind: Any) -> Iterator[Any]:
    """Give all types that a nested one is made of, and itself."""
    yield kind
    if _is_nested(kind) or kind.id == "union":
        for _, part in kind.children:
            if not isinstance(part, int):  # the size of an array
                yield from _inside(part)


def _is_plain(kind: Any) -> bool:
    """Tell whether Arrow has the values as they are; it lacks those of an extension's types and of tuples."""
    if _is_nested(kind):
        return kind.id != "tuple" and all(name for name, _ in kind.children)
    return kind.id in MADE or str(kind).strip('"').lower() in INSIDE


def _is_nested(kind: Any) -> bool:
    """Tell a type that is written as one that is nested: others have a form of their own."""
    return str(kind).endswith("]") or str(kind).startswith(("STRUCT(", "MAP(", "TUPLE("))


def _field(field: pa.Field) -> pa.Field:
    """Give the field that is passed on; what is nested is text if it is JSON."""
    if arrow_types.logical(field) == "json":
        return field.with_type(pa.string())
    return plain_fields.plain(field)


def _fitted(column: pa.Array, field: pa.Field) -> pa.Array:
    """Bring a column to the field's type; DuckDB's own JSON may have numbers that are not valid JSON."""
    made = plain_fields.fitted(column, field)
    return finite(made) if arrow_types.logical(field) == "json" else made
