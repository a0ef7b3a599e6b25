"""The page about types says what a new table really gets."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.sql_types import sql_type
from airflow_provider_openai_batch.tables.warehouses.duckdb.dialect import DIALECT as DUCKDB
from airflow_provider_openai_batch.tables.warehouses.mysql.dialect import DIALECT as MYSQL
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT as POSTGRES
from airflow_provider_openai_batch.tables.warehouses.sqlite.dialect import DIALECT as SQLITE

PAGE = Path(__file__).parents[3] / "docs" / "types.md"
DIALECTS = (POSTGRES, DUCKDB, SQLITE, MYSQL)
EMBEDDING = pa.list_(pa.float32())
ROWS: dict[str, pa.Field] = {
    "integer of 16 bits": pa.field("x", pa.int16()),
    "integer of 32 bits": pa.field("x", pa.int32()),
    "integer of 64 bits": pa.field("x", pa.int64()),
    "the same, unsigned": pa.field("x", pa.uint64()),
    "decimal(12, 3)": pa.field("x", pa.decimal128(12, 3)),
    "decimal(60, 9)": pa.field("x", pa.decimal256(60, 9)),
    "decimal without a scale": arrow_types.field_of("x", "decimal"),
    "float of 32 bits": pa.field("x", pa.float32()),
    "float of 64 bits": pa.field("x", pa.float64()),
    "boolean": pa.field("x", pa.bool_()),
    "text, enum": pa.field("x", pa.string()),
    "bytes": pa.field("x", pa.binary()),
    "uuid": arrow_types.field_of("x", "uuid"),
    "date": pa.field("x", pa.date32()),
    "time": arrow_types.field_of("x", "time"),
    "timestamp": pa.field("x", pa.timestamp("us")),
    "timestamp of nanoseconds": pa.field("x", pa.timestamp("ns")),
    "timestamp with time zone": pa.field("x", arrow_types.UTC),
    "JSON, objects, lists of lists": arrow_types.field_of("x", "json"),
    "list of texts": pa.field("x", pa.list_(pa.string())),
    "list of floats, embedding": pa.field("x", EMBEDDING),
}


def table() -> str:
    """Write the page's table."""
    lines = ["| a value | PostgreSQL | DuckDB | SQLite | MySQL, MariaDB |", "|---|---|---|---|---|"]
    for name, field in ROWS.items():
        kinds = " | ".join(f"`{sql_type(field, dialect)}`" for dialect in DIALECTS)
        lines.append(f"| {name} | {kinds} |")
    return "\n".join(lines)


def test_page() -> None:
    """A row that differs is shown as it is to be."""
    assert table() in PAGE.read_text()
