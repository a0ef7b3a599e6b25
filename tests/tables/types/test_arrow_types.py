"""Arrow types at the two ends."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.types import arrow_types, sql_types
from airflow_provider_openai_batch.tables.warehouses.duckdb.dialect import DIALECT as DUCKDB
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT as POSTGRES
from airflow_provider_openai_batch.tables.warehouses.sqlite.dialect import DIALECT as SQLITE


@pytest.mark.parametrize(
    ("field", "postgres", "duckdb", "sqlite"),
    [
        (pa.field("x", pa.bool_()), "BOOLEAN", "BOOLEAN", "BOOLEAN"),
        (pa.field("x", pa.int16()), "SMALLINT", "SMALLINT", "INTEGER"),
        (pa.field("x", pa.int32()), "INT", "INT", "INTEGER"),
        (pa.field("x", pa.int64()), "BIGINT", "BIGINT", "INTEGER"),
        (pa.field("x", pa.uint8()), "SMALLINT", "UTINYINT", "INTEGER"),
        (pa.field("x", pa.uint64()), "DECIMAL(20, 0)", "UBIGINT", "TEXT"),
        (pa.field("x", pa.time64("us")), "TIME", "TIME", "TEXT"),
        (pa.field("x", pa.string(), metadata=arrow_types.TIME_TEXT), "TIME", "TIME", "TEXT"),
        (pa.field("x", pa.timestamp("ns")), "TIMESTAMP", "TIMESTAMP_NS", "TEXT"),
        (pa.field("x", pa.float32()), "REAL", "REAL", "REAL"),
        (pa.field("x", pa.float64()), "DOUBLE PRECISION", "DOUBLE", "REAL"),
        (pa.field("x", pa.string()), "TEXT", "TEXT", "TEXT"),
        (pa.field("x", pa.binary()), "BYTEA", "BLOB", "BLOB"),
        (pa.field("x", pa.date32()), "DATE", "DATE", "TEXT"),
        (pa.field("x", pa.timestamp("us")), "TIMESTAMP", "TIMESTAMP", "TEXT"),
        (pa.field("x", arrow_types.UTC), "TIMESTAMPTZ", "TIMESTAMPTZ", "TEXT"),
        (pa.field("x", pa.decimal128(12, 3)), "DECIMAL(12, 3)", "DECIMAL(12, 3)", "TEXT"),
        (pa.field("x", pa.decimal256(50, 3)), "DECIMAL(50, 3)", "VARCHAR", "TEXT"),
        (pa.field("x", pa.string(), metadata=arrow_types.DECIMAL_TEXT), "NUMERIC", "VARCHAR", "TEXT"),
        (pa.field("x", pa.string(), metadata=arrow_types.JSON), "JSONB", "JSON", "TEXT"),
        (pa.field("x", pa.string(), metadata=arrow_types.UUID_TEXT), "UUID", "UUID", "TEXT"),
        (pa.field("x", pa.list_(pa.string())), "TEXT[]", "TEXT[]", "TEXT"),
        (pa.field("x", pa.list_(pa.float32())), "REAL[]", "REAL[]", "TEXT"),
        (pa.field("x", pa.list_(pa.list_(pa.int64()))), "JSONB", "JSON", "TEXT"),
        (pa.field("x", pa.struct([("a", pa.int64())])), "JSONB", "JSON", "TEXT"),
    ],
)
def test_sql_type(field: pa.Field, postgres: str, duckdb: str, sqlite: str) -> None:
    """Each type becomes the database's own where it holds it exactly, else text."""
    assert [postgres, duckdb, sqlite] == [
        sql_types.sql_type(field, dialect) for dialect in (POSTGRES, DUCKDB, SQLITE)
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [("1.50", "1.5"), ("100", "100"), ("1E+3", "1000"), ("0E-10", "0"), ("-0.0", "0"), ("-1.0", "-1"),
     (5, "5"), ("123456789012345678901234567890.120", "123456789012345678901234567890.12")],
)  # fmt: skip
def test_plain_decimal(value: Any, text: str) -> None:
    """Equal numbers are equal texts, without exponent and rounding."""
    assert text == arrow_types.plain_decimal(Decimal(value))


def test_integer_beyond_floats() -> None:
    """An integer that no float holds is not rounded silently."""
    with pytest.raises(InvalidRequest, match="beyond"):
        arrow_types.untyped(arrow_types.field_of("x", "float"), "float", [0.5, 2**53 + 1])


def test_integer_beyond_64_bits() -> None:
    """A value that does not fit its type names the column only."""
    with pytest.raises(InvalidRequest, match=r"'x'.*OverflowError") as caught:
        arrow_types.untyped(arrow_types.field_of("x", "int"), "int", [2**64])

    assert str(2**64) not in str(caught.value)
