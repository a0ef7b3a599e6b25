"""A small and a large value of each Arrow type: what a target is tried with before anything is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.plain_types import DAYS, LONGEST, SECONDS, UNITS

if TYPE_CHECKING:
    from collections.abc import Callable

INT64 = 2**63 - 1
MOST_FLOAT16, MOST_FLOAT32, MOST_FLOAT64 = 65_504.0, 3.4e38, 1.79e308
DAY = 86_400
#: What a text says is also a type.
TEXTS = {
    "uuid": "7d444840-9dc0-11d1-b245-5ffdce74fad2", "json": "{}", "decimal": "1.5", "time": "00:00:00",
}  # fmt: skip


def sample_rows(schema: pa.Schema) -> pa.RecordBatch:
    """Make rows of these columns: NULLs, small values, and large ones."""
    return pa.RecordBatch.from_arrays([samples(field) for field in schema], schema=schema)


def samples(field: pa.Field, *, large: bool = True) -> pa.Array:
    """Make NULL, a small value, and a large one, or NULL again."""
    meaning = arrow_types.logical(field)
    if pa.types.is_string(field.type):
        text = TEXTS.get(meaning or "", "")
        return pa.array([None, text, text if large else None], pa.string())
    values = [pa.nulls(1, field.type), _one(field.type, large=False)]
    return pa.concat_arrays([*values, _one(field.type, large=True) if large else pa.nulls(1, field.type)])


def _one(kind: pa.DataType, *, large: bool) -> pa.Array:
    if pa.types.is_fixed_size_list(kind):
        items = [_one(kind.value_type, large=large)] * kind.list_size
        return pa.FixedSizeListArray.from_arrays(pa.concat_arrays(items), type=kind)
    if pa.types.is_list(kind):  # not of Python's values: it may not know their zone
        return pa.ListArray.from_arrays([0, 1], _one(kind.value_type, large=large), type=kind)
    if pa.types.is_nested(kind):
        return pa.array([_value(kind, large=large)], kind)
    if pa.types.is_temporal(kind):
        whole = pa.int32() if kind.bit_width == pa.int32().bit_width else pa.int64()
        return pa.array([_ticks(kind, large=large)], whole).cast(kind)
    return pa.array([_value(kind, large=large)], kind)


def _ticks(kind: pa.DataType, *, large: bool) -> int:
    """Count the days, or the ticks of the unit, of a temporal value."""
    if not large:
        return 0
    if pa.types.is_date(kind):
        return DAYS[1]
    unit = UNITS[kind.unit]
    if pa.types.is_time(kind):
        return DAY * unit - 1
    last = LONGEST * unit if pa.types.is_duration(kind) else (SECONDS[1] + 1) * unit - 1
    return min(last, INT64) - DAY * unit  # of any zone


def _value(kind: pa.DataType, *, large: bool) -> Any:
    made = next(value for matches, value in VALUES if matches(kind))
    return made(kind, large)


def _integer(kind: pa.DataType, large: bool) -> int:
    signed = pa.types.is_signed_integer(kind)
    return 2 ** (kind.bit_width - signed) - 1 if large else 1


def _float(kind: pa.DataType, large: bool) -> float:
    if not large:
        return 1.5
    return {16: MOST_FLOAT16, 32: MOST_FLOAT32, 64: MOST_FLOAT64}[kind.bit_width]


def _decimal(kind: pa.DataType, large: bool) -> Decimal:
    digits = (9,) * kind.precision if large else (1,)
    return Decimal((0, digits, -kind.scale))


def _bytes(kind: pa.DataType, large: bool) -> bytes:
    width = kind.byte_width if pa.types.is_fixed_size_binary(kind) else 1
    return (b"\xff" if large else b"\0") * width


def _struct(kind: pa.DataType, large: bool) -> dict[str, Any]:
    return {field.name: _one(field.type, large=large)[0] for field in kind}


def _map(kind: pa.DataType, large: bool) -> list[Any]:
    return [(_one(kind.key_type, large=large)[0], _one(kind.item_type, large=large)[0])]


VALUES: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType, bool], Any]], ...] = (
    (pa.types.is_boolean, lambda _kind, large: large),
    (pa.types.is_integer, _integer),
    (pa.types.is_floating, _float),
    (pa.types.is_decimal, _decimal),
    (pa.types.is_string, lambda _kind, _large: ""),
    (pa.types.is_binary, _bytes),
    (pa.types.is_fixed_size_binary, _bytes),
    (pa.types.is_map, _map),
    (pa.types.is_struct, _struct),
)
