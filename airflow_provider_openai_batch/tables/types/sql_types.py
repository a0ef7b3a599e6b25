"""The type that a column gets in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

from airflow_provider_openai_batch.tables.types import arrow_types

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.tables.dialect.columns import Types, WideDecimal
    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect

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
#: What holds integers without a sign where there are none.
SIGNED = {"utinyint": "smallint", "usmallint": "int", "uint": "bigint", "ubigint": "decimal(20, 0)"}


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


def sql_type(field: pa.Field, dialect: Dialect) -> str:
    """Name the type that a new column gets in a database."""
    name, types = generic_type(field), dialect.types
    if name.startswith("array<"):
        if types.lists is not None:
            return types.lists
        return types.list_of(sql_type(pa.field(field.name, field.type.value_type), dialect))
    if not types.unsigned:
        name = SIGNED.get(name, name)
    if name == "timestamp" and types.nanoseconds is not None and field.type == pa.timestamp("ns"):
        return types.nanoseconds
    if name.startswith("decimal(") and not _holds_decimal(field, types):
        if types.wide_decimal is not None and _holds_wide(field, types.wide_decimal):
            return types.wide_decimal.name
        name = "decimal"
    return types.named.get(name) or of_generic(name).sql(dialect.name)


def _holds_decimal(field: pa.Field, types: Types) -> bool:
    scale = field.type.scale if pa.types.is_decimal(field.type) else 0
    most = scale if types.most_places is None else types.most_places
    return field_precision(field) <= types.most_digits and scale <= most


def _holds_wide(field: pa.Field, wide: WideDecimal) -> bool:
    scale = field.type.scale if pa.types.is_decimal(field.type) else 0
    return field_precision(field) - scale <= wide.digits and scale <= wide.digits


def of_generic(name: str) -> exp.DataType:
    """Parse a name of `generic_type`; standard SQL has none for integers without a sign."""
    return exp.DataType.build(exp.DataType.Type[name.upper()] if name in SIGNED else name)


def field_precision(field: pa.Field) -> int:
    """Count the digits of a decimal column."""
    return field.type.precision if pa.types.is_decimal(field.type) else 20
