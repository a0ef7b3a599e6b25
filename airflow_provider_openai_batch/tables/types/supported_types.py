"""Values of types that a database lacks, as values of types that it has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.text import values
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import family
from airflow_provider_openai_batch.tables.types.timestamp_precision import to_microseconds

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect

MAX_DIGITS = 38  #: of Arrow's decimals of 128 bits
MICROSECONDS = pa.time64("us")
#: What one of a unit is in microseconds: so many, or the part of so many.
TIMES = {"s": (1_000_000, 1), "ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}


def supported_type(kind: pa.DataType, declared: str, dialect: Dialect) -> pa.DataType:
    """Name the Arrow type that a column of a declared type is loaded as."""
    if arrow_types.is_list(kind):
        item = supported_type(kind.value_type, re.sub(r"\[\d*\]$", "", declared), dialect)
        return kind if item == kind.value_type else pa.list_(item)
    if pa.types.is_nested(kind):
        is_text = dialect.types.as_arrow and family(declared, dialect) in {"json", "text"}
        return pa.string() if is_text else kind
    if pa.types.is_decimal256(kind) and dialect.types.as_arrow:
        return pa.string() if kind.precision > MAX_DIGITS else pa.decimal128(kind.precision, kind.scale)
    return _scalar(kind, keeps_nanoseconds=declared == dialect.types.nanoseconds)


def _scalar(kind: pa.DataType, *, keeps_nanoseconds: bool) -> pa.DataType:
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_duration(kind):
        return pa.string()
    if pa.types.is_time(kind):
        return MICROSECONDS
    if pa.types.is_timestamp(kind) and kind.unit == "ns" and not keeps_nanoseconds:
        return pa.timestamp("us", kind.tz)
    return kind


def supported_values(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Bring values to the type that `supported_type` named; no fraction of a second is rounded."""
    kind = column.type
    if kind == wanted:
        return column
    if arrow_types.is_list(kind):
        return _listed(column, wanted)
    if pa.types.is_string(wanted):
        return pa.array(values.nullable_texts(column), wanted)
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return to_microseconds(column)
    if pa.types.is_time(kind):
        more, less = TIMES[kind.unit]
        whole = column.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64()).cast(pa.int64())
        return pc.divide(pc.multiply(whole, more), less).cast(wanted)
    return column.cast(wanted)


def _listed(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    items = supported_values(pc.list_flatten(column), wanted.value_type)
    lengths = pc.if_else(column.is_valid(), pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), items, type=wanted, mask=column.is_null())
