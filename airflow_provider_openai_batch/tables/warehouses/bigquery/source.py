"""A query of BigQuery as Arrow batches: by the Storage API where it may be used, else page by page."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from google.cloud import bigquery

from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.warehouses.bigquery.client import (
    connected,
    of_source,
    reads_storage,
)
from airflow_provider_openai_batch.tables.warehouses.bigquery.errors import explain
from airflow_provider_openai_batch.tables.warehouses.bigquery.session import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PAGE_ROWS = 50_000
TYPES = {
    "INT64": pa.int64(), "FLOAT64": pa.float64(), "BOOL": pa.bool_(), "STRING": pa.string(),
    "BYTES": pa.binary(), "DATE": pa.date32(), "TIME": pa.time64("us"), "TIMESTAMP": arrow_types.UTC,
    "DATETIME": pa.timestamp("us"),
}  # fmt: skip
#: What is read as text: decimals without the zeros that fill them up, and what Arrow has no type for.
AS_TEXT: dict[str, tuple[Callable[[str], str], dict[bytes, bytes] | None]] = {
    "NUMERIC": ("CAST({} AS STRING)".format, arrow_types.DECIMAL_TEXT),
    "BIGNUMERIC": ("CAST({} AS STRING)".format, arrow_types.DECIMAL_TEXT),
    "JSON": ("TO_JSON_STRING({})".format, arrow_types.JSON),
    "STRUCT": ("TO_JSON_STRING({})".format, arrow_types.JSON),
    "GEOGRAPHY": ("ST_ASTEXT({})".format, None),
    "INTERVAL": ("CAST({} AS STRING)".format, None),
    "RANGE": ("TO_JSON_STRING({})".format, None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrowSource:
    """Rows as Arrow, each column of the type that BigQuery declares."""

    hook: Any
    query: sql.Query

    def columns(self) -> tuple[str, ...]:
        with told("The source cannot be reached", explain), connected(self.hook) as client:
            return sql.distinct(field.name for field in self._described(client))

    @contextmanager
    def read(self, columns: Sequence[str]) -> Iterator[Iterator[pa.RecordBatch]]:
        with told("The source cannot be reached", explain), connected(self.hook) as client:
            described = {field.name: field for field in self._described(client)}
            chosen = [chosen_of(described[name], self.query.quoted(name)) for name in columns]
            statement = self.query.select([expression for expression, _ in chosen])
            with told("The source's query fails", explain, self.query.written(statement)):
                job = client.query(statement, job_config=self._config())
                rows = job.result(page_size=PAGE_ROWS)
            yield self._batches(client, rows, pa.schema([field for _, field in chosen]))

    def _config(self, **settings: Any) -> bigquery.QueryJobConfig:
        return bigquery.QueryJobConfig(query_parameters=of_source(self.query.parameters), **settings)

    def _described(self, client: bigquery.Client) -> Sequence[bigquery.SchemaField]:
        """Ask for names and types; nothing is run, and nothing is billed."""
        statement = self.query.select(["*"])
        with told("The source's query fails", explain, self.query.written(statement)):
            job = client.query(statement, job_config=self._config(dry_run=True, use_query_cache=False))
            return list(job.schema)

    @staticmethod
    def _batches(client: bigquery.Client, rows: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        storage = client._ensure_bqstorage_client() if reads_storage(client) else None  # noqa: SLF001
        found, empty = rows.to_arrow_iterable(bqstorage_client=storage), True
        while True:
            with told("The source cannot be read", explain):
                part = next(found, None)
            if part is None:
                break
            for batch in pa.Table.from_batches([part]).to_batches(max_chunksize=BATCH_ROWS):
                columns = zip(schema, batch.columns, strict=True)
                arrays = [
                    array if array.type == field.type else array.cast(field.type) for field, array in columns
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
                empty = False
        if empty:
            yield arrow_types.no_rows(schema)


def chosen_of(column: bigquery.SchemaField, quoted: str) -> tuple[str, pa.Field]:
    """Say what to select for a column, and the field that it becomes."""
    kind = NAMES.get(column.field_type, column.field_type)
    if column.mode == "REPEATED":
        if kind in TYPES:
            return quoted, pa.field(column.name, pa.list_(TYPES[kind]))
        return f"TO_JSON_STRING({quoted})", pa.field(column.name, pa.string(), metadata=arrow_types.JSON)
    if kind in TYPES:
        return quoted, pa.field(column.name, TYPES[kind])
    write, meaning = AS_TEXT.get(kind, ("TO_JSON_STRING({})".format, None))
    return write(quoted), pa.field(column.name, pa.string(), metadata=meaning)
