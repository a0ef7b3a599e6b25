"""Which types of a database take which of ours."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import assignable

TEXT, INT = pa.field("x", pa.string()), pa.field("x", pa.int64())
JSON = pa.field("x", pa.string(), metadata=arrow_types.JSON)
TAGS = pa.field("x", pa.list_(pa.string()))


@pytest.mark.parametrize(
    ("field", "kind", "dialect", "fits"),
    [
        (TEXT, "character varying(20)", "postgres", True),
        (TEXT, "integer", "postgres", False),
        (TEXT, "date", "postgres", False),
        (TEXT, "mood", "postgres", True),
        (INT, "integer", "postgres", True),
        (INT, "text", "postgres", True),
        (INT, "numeric(10,2)", "postgres", True),
        (INT, "boolean", "postgres", False),
        (JSON, "jsonb", "postgres", True),
        (JSON, "text", "postgres", True),
        (TAGS, "text[]", "postgres", True),
        (TAGS, "text", "postgres", False),
        (TAGS, "TEXT", "sqlite", True),
        (TAGS, "vector(3)", "postgres", False),
        (pa.field("x", pa.list_(pa.float32())), "vector(3)", "postgres", True),
        (pa.field("x", pa.list_(pa.float64())), '"my schema".halfvec(3)', "postgres", True),
        (TEXT, "vector(3)", "postgres", False),
        (pa.field("x", pa.uint64()), "UBIGINT", "duckdb", True),
        (pa.field("x", pa.uint64()), "INTEGER", "sqlite", False),
        (pa.field("x", pa.uint64()), "TEXT", "sqlite", True),
        (pa.field("x", arrow_types.UTC), "timestamp with time zone", "postgres", True),
        (pa.field("x", arrow_types.UTC), "timestamp without time zone", "postgres", True),
        (pa.field("x", arrow_types.UTC), "TIMESTAMP WITH TIME ZONE", "duckdb", True),
        (pa.field("x", arrow_types.UTC), "TEXT", "sqlite", True),
        (pa.field("x", arrow_types.UTC), "INTEGER", "sqlite", False),
        (pa.field("x", pa.bool_()), "INTEGER", "sqlite", True),
        (pa.field("x", pa.bool_()), "INTEGER", "duckdb", False),
        (pa.field("x", pa.float64()), "bigint", "postgres", False),
        (pa.field("x", pa.float64()), "double precision", "postgres", True),
        (pa.field("x", pa.decimal128(9, 2)), "TEXT", "sqlite", True),
        (TEXT, "", "sqlite", True),
        (INT, "", "sqlite", True),
        (TEXT, "VARCHAR(8)", "sqlite", True),
        (TEXT, "STRING", "sqlite", False),
        (TEXT, "ANY", "sqlite", False),
    ],
)
def test_assignable(field: pa.Field, kind: str, dialect: str, fits: bool) -> None:
    """A value fits where it is kept without loss; types that only the database knows are trusted."""
    assert fits is assignable(field, kind, dialect)


def test_partition_from_text() -> None:
    """A partition that Jinja rendered may meet a column of another type."""
    assert assignable(TEXT, "date", "postgres", from_text=True)
