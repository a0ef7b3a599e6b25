"""A query of DuckDB as its own Arrow batches."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from airflow_provider_openai_batch.tables import sql, types
from airflow_provider_openai_batch.tables.base import BATCH_ROWS
from airflow_provider_openai_batch.tables.failures import told
from airflow_provider_openai_batch.tables.warehouses.duckdb_errors import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_openai_batch.tables.failures import Written

#: What DuckDB may cache while it is read, where the connection sets nothing: else it keeps the whole file.
READ_MEMORY = "128MB"
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
            with closing(self._started(connection, statement)) as reader:
                fields = [
                    types.plain(field.with_name(name).with_metadata(meaning))
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
        # A result that outlives its connection lets the next one to this file wait forever.
        self.close: Callable[[], None] = reader.close
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
