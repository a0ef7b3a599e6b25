"""How a column of PostgreSQL is read: what is selected, and what it is in Arrow, by any driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.types import arrow_types

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_openai_batch.tables.sources import sql

#: Types that are read as they are, by their number in every PostgreSQL; all others are read as text.
SCALARS: dict[int, pa.DataType] = {
    16: pa.bool_(), 17: pa.binary(), 20: pa.int64(), 21: pa.int16(), 23: pa.int32(), 25: pa.string(),
    700: pa.float32(), 701: pa.float64(), 1042: pa.string(), 1043: pa.string(), 1082: pa.date32(),
    1114: pa.timestamp("us"), 1184: arrow_types.UTC,
}  # fmt: skip
ARRAYS: dict[int, pa.DataType] = {
    1000: pa.bool_(), 1005: pa.int16(), 1007: pa.int32(), 1009: pa.string(), 1015: pa.string(),
    1016: pa.int64(), 1021: pa.float32(), 1022: pa.float64(), 1115: pa.timestamp("us"),
    1182: pa.date32(), 1185: arrow_types.UTC,
}  # fmt: skip
LOGICAL = {
    114: arrow_types.JSON,
    3802: arrow_types.JSON,
    1083: arrow_types.TIME_TEXT,
    2950: arrow_types.UUID_TEXT,
}
NUMERIC = 1700
#: Precisions that drivers give a numeric without one.
UNKNOWN = {None, -1, 65535}
MAX_PRECISION = 76
DIGITS_OF_128_BITS = 38
#: A numeric as PostgreSQL prints it, and what is left of it without trailing zeros.
PRINTED, PLAIN = r"^(-?[0-9]+)(?:\.0*|(\.[0-9]*[1-9])0*)$", r"\1\2"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A column of the source: what is selected and what it is in Arrow."""

    expression: str
    field: pa.Field


def choose(query: sql.Query, described: Any) -> Chosen:
    """Say how a column is read, by its description in the driver's cursor."""
    name, number = described[0], described[1]
    quoted = query.quoted(name)
    if number in SCALARS:
        return Chosen(quoted, pa.field(name, SCALARS[number]))
    if number in ARRAYS:
        return Chosen(quoted, pa.field(name, pa.list_(ARRAYS[number])))
    text = f"CAST({quoted} AS TEXT)"
    if number != NUMERIC:
        return Chosen(text, pa.field(name, pa.string(), metadata=LOGICAL.get(number)))
    precision, scale = described[4], described[5]
    if precision in UNKNOWN or precision > MAX_PRECISION or not 0 <= (scale or 0) <= precision:
        return Chosen(text, pa.field(name, pa.string(), metadata=arrow_types.DECIMAL_TEXT))
    made = pa.decimal128 if precision <= DIGITS_OF_128_BITS else pa.decimal256
    return Chosen(text, pa.field(name, made(precision, scale or 0)))


def from_values(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    """Make a column of what a driver's cursor gave."""
    if pa.types.is_decimal(field.type):
        return from_arrow(field, pa.array(values, pa.string()))
    return _normalised(field, arrow_types.typed(field, values))


def from_arrow(field: pa.Field, column: pa.Array) -> pa.Array:
    """Make a column of what ADBC gave; a decimal comes as text, which is the least work for both ends."""
    if column.type == field.type:
        return _normalised(field, column)
    try:
        return column.cast(field.type)
    except pa.ArrowException as error:
        reason = type(error).__name__
    raise invalid_value(field, reason)


def invalid_value(field: pa.Field, reason: str) -> InvalidRequest:
    """Name a column that holds what its type does not."""
    return InvalidRequest(
        f"Column {field.name!r} holds a value that does not fit its type {field.type} ({reason}); "
        "cast it in the source."
    )


def _normalised(field: pa.Field, column: pa.Array) -> pa.Array:
    """Write equal numbers as equal texts."""
    if arrow_types.logical(field) != "decimal":
        return column
    plain = pc.replace_substring_regex(column, PRINTED, PLAIN)
    return pc.if_else(pc.equal(plain, "-0"), "0", plain)
