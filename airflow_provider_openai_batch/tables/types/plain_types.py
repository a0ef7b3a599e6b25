"""Any type that Arrow has as one of those that are passed on: each is stored, and lands in every target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.text import values
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable

#: Decimals of more digits are text.
MAX_DIGITS, DIGITS_OF_128_BITS = 76, 38
TEXTS = {"arrow.uuid", "arrow.json"}
NANOSECONDS = 1_000_000_000
#: The first and the last day and second that Python has, and the longest duration that is written.
DAYS = (-719_162, 2_932_896)
SECONDS = (-62_135_596_800, 253_402_300_799)
LONGEST = 86_400 * 99_999_999
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Name the type that a column of this one is passed on as; a union is refused."""
    if pa.types.is_union(kind):
        raise InvalidRequest(f"A column of type {kind} fits no table; cast it to one type in the source.")
    if has_empty_struct(kind):
        return pa.string()
    return next((made(kind) for matches, made in SIMPLER if matches(kind)), kind)


def plain_values(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Bring values to the type that `plain_type` named; raises what Arrow raises where they do not fit."""
    if column.type == wanted:
        return column
    if pa.types.is_string(wanted) and (pa.types.is_decimal(column.type) or pa.types.is_nested(column.type)):
        return pa.array(values.nullable_texts(column), wanted)
    if _is_by_value(column.type):
        return pa.array(_written(column.to_pylist()), wanted)
    try:
        return column.cast(wanted)
    except pa.ArrowNotImplementedError:
        return pa.array(_written(column.to_pylist()), wanted)


def check_reach(name: str, column: pa.Array) -> None:
    """Refuse dates and moments that Python lacks, and durations beyond them: no target takes these."""
    if pa.types.is_nested(column.type):
        for part in _parts(column):
            check_reach(name, part)
        return
    bounds = _reach(column.type)
    if bounds is None or not len(column):
        return
    whole = pa.int32() if pa.types.is_date32(column.type) else pa.int64()
    found = pc.min_max(column.cast(whole)).as_py()
    if found["min"] is not None and not bounds[0] <= found["min"] <= found["max"] <= bounds[1]:
        raise InvalidRequest(
            f"Column {name!r} of type {column.type} holds a value outside of the years 1 to 9999; make it "
            "NULL or text in the source."
        )


def _parts(column: pa.Array) -> list[pa.Array]:
    """Give the columns inside a nested one, without what NULL hides."""
    kind = column.type
    if pa.types.is_map(kind):
        first, last = (column.offsets[place].as_py() for place in (0, -1))
        return [part.slice(first, last - first) for part in (column.keys, column.items)]
    if _is_list(kind):
        return [pc.list_flatten(column)]
    return column.flatten() if pa.types.is_struct(kind) else []


def check_valid(name: str, column: pa.Array) -> None:
    """Refuse what Arrow passes on unread, such as a text of bytes that are not UTF-8."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        raise InvalidRequest(
            f"Column {name!r} of type {column.type} holds a value that its type does not have, such as a "
            "text that is not UTF-8; mend it, or cast it in the source."
        ) from None


def without_runs(column: pa.Array) -> pa.Array:
    """Write each value of the runs as often as it stands there; Arrow does so for a few types only."""
    ends = column.run_ends.to_numpy()
    places = np.searchsorted(ends, np.arange(column.offset, column.offset + len(column)), side="right")
    return column.values.take(pa.array(places))


def _reach(kind: pa.DataType) -> tuple[int, int] | None:
    if pa.types.is_date32(kind):
        return DAYS
    if pa.types.is_timestamp(kind):
        unit = UNITS[kind.unit]
        return SECONDS[0] * unit, SECONDS[1] * unit + unit - 1
    if pa.types.is_duration(kind):
        return -LONGEST * UNITS[kind.unit], LONGEST * UNITS[kind.unit]
    return None


def _decimal(kind: pa.DataType) -> pa.DataType:
    """Write decimals without a negative scale, and with as many digits as the scale asks for."""
    scale = max(0, kind.scale)
    digits = max(kind.precision - min(0, kind.scale), scale)
    if digits > MAX_DIGITS:
        return pa.string()
    if pa.types.is_decimal256(kind) and digits == kind.precision:
        return kind
    return (pa.decimal128 if digits <= DIGITS_OF_128_BITS else pa.decimal256)(digits, scale)


def _timestamp(kind: pa.DataType) -> pa.DataType:
    """Count milliseconds, not seconds: Parquet has none."""
    return pa.timestamp("ms", kind.tz) if kind.unit == "s" else kind


def _extension(kind: Any) -> pa.DataType:
    if kind.extension_name in TEXTS:
        return pa.string()
    return pa.bool_() if kind.extension_name == "arrow.bool8" else plain_type(kind.storage_type)


def _list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(_item(kind))


def _item(kind: pa.DataType) -> pa.Field:
    return _nullable(kind.value_field)


def _nullable(field: pa.Field) -> pa.Field:
    """Let a part be NULL: Parquet refuses a NULL that holds what must not be NULL."""
    return field.with_type(plain_type(field.type)).with_nullable(True)


def _fixed_list(kind: pa.DataType) -> pa.DataType:
    if not kind.list_size:  # Parquet has no lists of such a size
        return _list(kind)
    return pa.list_(_item(kind), kind.list_size)


def _struct(kind: pa.DataType) -> pa.DataType:
    names = [field.name for field in kind]
    if len(set(names)) < len(names):
        raise InvalidRequest(f"A column of type {kind} has two fields of one name; rename one in the source.")
    return pa.struct([_nullable(field) for field in kind])


def _map(kind: pa.DataType) -> pa.DataType:
    return pa.map_(plain_type(kind.key_type), plain_type(kind.item_type))


def _is_extension(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.BaseExtensionType)


def _is_run(kind: pa.DataType) -> bool:
    return bool(pa.types.is_run_end_encoded(kind))


def _is_view(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind))


def _is_any_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or _is_view(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_empty_binary(kind: pa.DataType) -> bool:
    """Tell bytes of a fixed size that is none, which Parquet lacks."""
    return bool(pa.types.is_fixed_size_binary(kind) and not kind.byte_width)


SIMPLER: tuple[tuple[Callable[[pa.DataType], Any], Callable[[Any], pa.DataType]], ...] = (
    (_is_extension, _extension),
    (pa.types.is_dictionary, lambda kind: plain_type(kind.value_type)),
    (_is_run, lambda kind: plain_type(kind.value_type)),
    (pa.types.is_null, lambda _kind: pa.string()),
    (pa.types.is_large_string, lambda _kind: pa.string()),
    (pa.types.is_string_view, lambda _kind: pa.string()),
    (pa.types.is_interval, lambda _kind: pa.string()),
    (pa.types.is_large_binary, lambda _kind: pa.binary()),
    (pa.types.is_binary_view, lambda _kind: pa.binary()),
    (_is_empty_binary, lambda _kind: pa.binary()),
    (pa.types.is_date64, lambda _kind: pa.date32()),
    (pa.types.is_time32, lambda _kind: pa.time32("ms")),  # Parquet has no seconds
    (pa.types.is_timestamp, _timestamp),
    (pa.types.is_decimal, _decimal),
    (pa.types.is_map, _map),
    (pa.types.is_fixed_size_list, _fixed_list),
    (_is_any_list, _list),
    (pa.types.is_struct, _struct),
)


def children(kind: pa.DataType) -> list[pa.DataType]:
    """Name the types inside a nested one, or inside an encoding."""
    if pa.types.is_dictionary(kind) or _is_run(kind):
        return [kind.value_type]
    return [kind.field(place).type for place in range(kind.num_fields)]


def has_empty_struct(kind: pa.DataType) -> bool:
    """Tell whether a struct without fields is in it, which no file holds: such a column is JSON."""
    if pa.types.is_struct(kind) and not kind.num_fields:
        return True
    return any(has_empty_struct(child) for child in children(kind))


def _is_by_value(kind: pa.DataType) -> bool:
    """Tell whether Arrow casts the type otherwise than its values mean, or not at all."""
    if _is_extension(kind) or pa.types.is_interval(kind) or _is_view(kind):
        return True
    return any(_is_by_value(child) for child in children(kind))


def _written(value: Any) -> Any:
    """Write values as Python has them in the types that are passed on."""
    match value:
        case pa.MonthDayNano():
            return _period(*value)
        case UUID():
            return str(value)
        case tuple():  # of a map
            return tuple(_written(part) for part in value)
        case list():
            return [_written(part) for part in value]
        case dict():
            return {name: _written(part) for name, part in value.items()}
    return value


def _period(months: int, days: int, nanoseconds: int) -> str:
    """Write an interval as ISO 8601 does; each part keeps its sign."""
    whole, rest = divmod(abs(nanoseconds), NANOSECONDS)
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    sign = "-" if nanoseconds < 0 else ""
    time = f"T{sign}{whole}{fraction}S" if nanoseconds else ""
    text = (f"{months}M" if months else "") + (f"{days}D" if days else "") + time
    return f"P{text}" if text else "PT0S"
