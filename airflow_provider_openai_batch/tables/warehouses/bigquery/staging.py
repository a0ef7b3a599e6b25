"""Rows into a table that ends by itself: Parquet files, each loaded by one job."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from google.cloud import bigquery

from airflow_provider_openai_batch.batch.text import values
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import family
from airflow_provider_openai_batch.tables.warehouses.bigquery.dialect import DATETIME, DIALECT

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.plan import TargetColumn

SIZE = re.compile(r"\s*\([^()]*\)")
DECIMAL = re.compile(r"(?:BIG)?NUMERIC\((\d+)(?:, *(\d+))?\)")
ITEMS = re.compile(r"ARRAY<(.+)>", re.IGNORECASE)
#: The Arrow types that files have for a column of a family; the others are as they are.
HELD = {
    "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "date": pa.date32(),
    "time": pa.time64("us"), "timestamp": arrow_types.UTC, "bytes": pa.binary(),
}  # fmt: skip


def load_config(columns: tuple[TargetColumn, ...]) -> bigquery.LoadJobConfig:
    """Describe the load of a file into a staging table."""
    options = bigquery.ParquetOptions()
    options.enable_list_inference = True
    return bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET,
        write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
        parquet_options=options,
        column_name_character_map="V2",
        schema=schema(columns),
    )


def schema(columns: tuple[TargetColumn, ...]) -> list[bigquery.SchemaField]:
    """Describe the columns of a staging table: JSON as its text, and decimals as the table rounds them."""
    return list(map(_field, columns))


def loadable(column: TargetColumn) -> str:
    """Name the type that a column is loaded as, without a size."""
    if family(column.type, DIALECT) == "json":
        return "STRING"
    return SIZE.sub("", column.type)


def _field(column: TargetColumn) -> bigquery.SchemaField:
    kind = loadable(column)
    if items := ITEMS.fullmatch(kind):
        return bigquery.SchemaField(column.name, items[1], mode="REPEATED")
    if (found := DECIMAL.fullmatch(column.type)) is None:
        return bigquery.SchemaField(column.name, kind)
    return bigquery.SchemaField(column.name, kind, precision=int(found[1]), scale=int(found[2] or 0))


def form(column: TargetColumn, array: pa.Array) -> pa.Array:
    """Bring values to what files of Parquet and BigQuery both have; no list holds NULL."""
    kind = loadable(column)
    theirs = family(kind, DIALECT)
    if arrow_types.is_list(array.type) and theirs == "list":
        return _listed(column, array)
    if theirs == "text":
        return (
            array if pa.types.is_string(array.type) else pa.array(values.nullable_texts(array), pa.string())
        )
    wanted = pa.timestamp("us") if kind == DATETIME else HELD.get(theirs or "", array.type)
    if theirs == "decimal" and not pa.types.is_decimal(array.type):
        wanted = pa.decimal128(38, 9) if kind == "NUMERIC" else pa.decimal256(76, 38)
    return array if array.type == wanted else array.cast(wanted)


def _listed(column: TargetColumn, array: pa.Array) -> pa.Array:
    """Leave out items that are NULL, which no array of BigQuery holds."""
    lists = array if pa.types.is_list(array.type) else array.cast(pa.list_(array.type.value_type))
    if pc.list_flatten(lists).null_count:
        kept = [
            None if items is None else [one for one in items if one is not None]
            for items in lists.to_pylist()
        ]
        lists = pa.array(kept, lists.type)
    found = ITEMS.fullmatch(loadable(column))
    wanted = HELD.get(family(found[1], DIALECT) or "") if found else None
    return lists if wanted is None else lists.cast(pa.list_(wanted))
