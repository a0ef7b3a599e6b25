"""Fractions of a second: how many digits a column keeps of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from airflow_provider_openai_batch.tables.dialect.columns import MICROSECONDS
from airflow_provider_openai_batch.tables.types.families import parsed

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.plan import TargetColumn

DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
BY_TYPE = {
    exp.DataType.Type.TIMESTAMP_S: 0,
    exp.DataType.Type.TIMESTAMP_MS: 3,
    exp.DataType.Type.TIMESTAMP_NS: 9,
}


def digits_of(column: TargetColumn, dialect: Dialect) -> int | None:
    """Count the digits that a column keeps of moments that have more; None where it keeps all."""
    ours = DIGITS[column.field.type.unit]
    theirs = _declared(column.type, dialect)
    return theirs if theirs < ours else None


def _declared(kind: str, dialect: Dialect) -> int:
    found = None if dialect.types.are_loose else parsed(kind, dialect)
    if found is None or found.this in exp.DataType.TEXT_TYPES:
        return MICROSECONDS
    if found.this in BY_TYPE:
        return BY_TYPE[found.this]
    if found.expressions:
        return int(found.expressions[0].name)
    return dialect.types.fraction


def is_multiple(values: pa.Array, digits: int) -> pa.Array:
    """Tell which moments have no more digits."""
    step = 10 ** (DIGITS[values.type.unit] - digits)
    numbers = values.cast(pa.int32() if pa.types.is_time32(values.type) else pa.int64()).cast(pa.int64())
    return pc.equal(pc.multiply(pc.divide(numbers, step), step), numbers)


def to_microseconds(values: pa.Array) -> pa.Array:
    """Cut nanoseconds to the microsecond that they are in, also before 1970."""
    instants = values.cast(pa.int64()).cast(pa.timestamp("ns"))  # a cast of the zone would move them
    floor = pc.floor_temporal(instants, unit="microsecond").cast(pa.timestamp("us"))
    return floor.cast(pa.int64()).cast(pa.timestamp("us", values.type.tz))
