"""Which types of a database take which of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import assignable
from airflow_provider_openai_batch.tables.warehouses.duckdb.dialect import DIALECT as DUCKDB
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT as POSTGRES
from airflow_provider_openai_batch.tables.warehouses.sqlite.dialect import DIALECT as SQLITE

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect

TEXT, INT = pa.field("x", pa.string()), pa.field("x", pa.int64())
JSON = pa.field("x", pa.string(), metadata=arrow_types.JSON)
TAGS = pa.field("x", pa.list_(pa.string()))


@pytest.mark.parametrize(
    ("field", "kind", "dialect", "fits"),
    [
        (TEXT, "character varying(20)", POSTGRES, True),
        (TEXT, "integer", POSTGRES, False),
        (TEXT, "date", POSTGRES, False),
        (TEXT, "mood", POSTGRES, True),
        (INT, "integer", POSTGRES, True),
        (INT, "text", POSTGRES, True),
        (INT, "numeric(10,2)", POSTGRES, True),
        (INT, "boolean", POSTGRES, False),
        (JSON, "jsonb", POSTGRES, True),
        (JSON, "text", POSTGRES, True),
        (TAGS, "text[]", POSTGRES, True),
        (TAGS, "text", POSTGRES, False),
        (TAGS, "INTEGER[3]", DUCKDB, False),
        (TAGS, "VARCHAR[]", DUCKDB, True),
        (TAGS, "mood[]", POSTGRES, True),
        (pa.field("x", pa.list_(pa.float64())), "INTEGER[]", DUCKDB, False),
        (pa.field("x", pa.list_(pa.float64())), "numeric(9,2)[]", POSTGRES, True),
        (pa.field("x", pa.list_(pa.int64())), "boolean[]", POSTGRES, False),
        (pa.field("x", pa.list_(pa.int64())), "DOUBLE[2]", DUCKDB, True),
        (pa.field("x", pa.list_(arrow_types.UTC)), "date[]", POSTGRES, False),
        (TAGS, "TEXT", SQLITE, True),
        (TAGS, "vector(3)", POSTGRES, False),
        (pa.field("x", pa.list_(pa.float32())), "vector(3)", POSTGRES, True),
        (pa.field("x", pa.list_(pa.float64())), '"my schema".halfvec(3)', POSTGRES, True),
        (TEXT, "vector(3)", POSTGRES, False),
        (pa.field("x", pa.uint64()), "UBIGINT", DUCKDB, True),
        (pa.field("x", pa.uint64()), "INTEGER", SQLITE, False),
        (pa.field("x", pa.uint64()), "TEXT", SQLITE, True),
        (pa.field("x", arrow_types.UTC), "timestamp with time zone", POSTGRES, True),
        (pa.field("x", arrow_types.UTC), "timestamp without time zone", POSTGRES, True),
        (pa.field("x", arrow_types.UTC), "TIMESTAMP WITH TIME ZONE", DUCKDB, True),
        (pa.field("x", arrow_types.UTC), "TEXT", SQLITE, True),
        (pa.field("x", arrow_types.UTC), "INTEGER", SQLITE, False),
        (pa.field("x", pa.bool_()), "INTEGER", SQLITE, True),
        (pa.field("x", pa.bool_()), "INTEGER", DUCKDB, False),
        (pa.field("x", pa.float64()), "bigint", POSTGRES, False),
        (pa.field("x", pa.float64()), "double precision", POSTGRES, True),
        (pa.field("x", pa.decimal128(9, 2)), "TEXT", SQLITE, True),
        (TEXT, "", SQLITE, True),
        (INT, "", SQLITE, True),
        (TEXT, "VARCHAR(8)", SQLITE, True),
        (TEXT, "STRING", SQLITE, False),
        (TEXT, "ANY", SQLITE, False),
    ],
)
def test_assignable(field: pa.Field, kind: str, dialect: Dialect, fits: bool) -> None:
    """A value fits where it is kept without loss; types that only the database knows are trusted."""
    assert fits is assignable(field, kind, dialect)


def test_partition_from_text() -> None:
    """A partition that Jinja rendered may meet a column of another type."""
    assert assignable(TEXT, "date", POSTGRES, from_text=True)
