"""The type that a column gets in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

from airflow_provider_openai_batch.tables.types import arrow_types

if TYPE_CHECKING:
    from collections.abc import Callable

SCALARS: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int8, "tinyint"),
    (pa.types.is_uint8, "utinyint"),
    (pa.types.is_int16, "smallint"),
    (pa.types.is_uint16, "usmallint"),
    (pa.types.is_int32, "int"),
    (pa.types.is_uint32, "uint"),
    (pa.types.is_uint64, "ubigint"),
    (pa.types.is_integer, "bigint"),
    (pa.types.is_float64, "double"),
    (pa.types.is_floating, "float"),
    (pa.types.is_date, "date"),
    (pa.types.is_time, "time"),
    (pa.types.is_binary, "varbinary"),
    (pa.types.is_fixed_size_binary, "varbinary"),
    (pa.types.is_nested, "json"),
)
#: Databases that have unsigned integers, and what others hold them in.
UNSIGNED = frozenset({"duckdb", "mysql"})
SIGNED = {"utinyint": "smallint", "usmallint": "int", "uint": "bigint", "ubigint": "decimal(20, 0)"}
#: What sqlglot writes in a way that the database does not hold exactly, or not at all.
SQLITE_TYPES = {
    "date": "TEXT", "time": "TEXT", "timestamp": "TEXT", "timestamptz": "TEXT", "json": "TEXT",
    "uuid": "TEXT", "decimal": "TEXT", "boolean": "BOOLEAN", "varbinary": "BLOB",
}  # fmt: skip
POSTGRES_TYPES = {"json": "JSONB", "decimal": "NUMERIC", "varbinary": "BYTEA"}
DUCKDB_TYPES = {"decimal": "VARCHAR", "varbinary": "BLOB"}
#: MySQL's TIMESTAMP ends in 2038; our moments are in UTC.
MYSQL_TYPES = {
    "text": "LONGTEXT", "varbinary": "LONGBLOB", "uuid": "VARCHAR(36)", "decimal": "LONGTEXT",
    "timestamp": "DATETIME(6)", "timestamptz": "DATETIME(6)", "time": "TIME(6)", "boolean": "TINYINT(1)",
}  # fmt: skip
OVERRIDES = {
    "sqlite": SQLITE_TYPES, "postgres": POSTGRES_TYPES, "duckdb": DUCKDB_TYPES, "mysql": MYSQL_TYPES,
}  # fmt: skip
MAX_DECIMAL = {"duckdb": 38, "postgres": 1000, "sqlite": 0, "mysql": 65}
MAX_SCALE = {"mysql": 30}
#: What a list becomes where there are no arrays.
LISTS = {"sqlite": "TEXT", "mysql": "JSON"}


def generic_type(field: pa.Field) -> str:
    """Name the column's type in dialect-free SQL; `decimal` alone has no fixed scale."""
    meaning = arrow_types.logical(field)
    if meaning is not None:
        return "text" if meaning == "unknown" else meaning
    kind = field.type
    if pa.types.is_timestamp(kind):
        return "timestamp" if kind.tz is None else "timestamptz"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    if arrow_types.is_list(kind):
        return f"array<{generic_type(kind.value_field)}>"
    return next((name for matches, name in SCALARS if matches(kind)), "text")


def sql_type(field: pa.Field, dialect: str) -> str:
    """Name the type that a new column gets in a database."""
    name = generic_type(field)
    overrides = OVERRIDES[dialect]
    if name.startswith("array<"):
        if dialect in LISTS:
            return LISTS[dialect]
        return sql_type(pa.field(field.name, field.type.value_type), dialect) + "[]"
    if dialect not in UNSIGNED:
        name = SIGNED.get(name, name)
    if name == "timestamp" and dialect == "duckdb" and field.type == pa.timestamp("ns"):
        return "TIMESTAMP_NS"
    if name.startswith("decimal(") and not _holds_decimal(field, dialect):
        name = "decimal"
    return overrides.get(name) or of_generic(name).sql(dialect)


def _holds_decimal(field: pa.Field, dialect: str) -> bool:
    scale = field.type.scale if pa.types.is_decimal(field.type) else 0
    return field_precision(field) <= MAX_DECIMAL[dialect] and scale <= MAX_SCALE.get(dialect, scale)


def of_generic(name: str) -> exp.DataType:
    """Parse a name of `generic_type`; standard SQL has none for integers without a sign."""
    return exp.DataType.build(exp.DataType.Type[name.upper()] if name in SIGNED else name)


def field_precision(field: pa.Field) -> int:
    """Count the digits of a decimal column."""
    return field.type.precision if pa.types.is_decimal(field.type) else 20
