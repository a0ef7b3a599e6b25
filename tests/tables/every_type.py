"""A column of each Arrow type, as a source may hand it over."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

SOME = UUID("7d444840-9dc0-11d1-b245-5ffdce74fad2")
MOMENT = datetime.fromisoformat("2026-01-05T06:07:08")
INTERVAL = pa.MonthDayNano([14, 3, 4_500_000_000])

NO_NULL = pa.struct([pa.field("a", pa.string(), nullable=False)])
WITH_STRUCTS = pa.map_(pa.string(), pa.struct([("b", pa.list_(pa.int8()))]))


def _of(storage: pa.Array, kind: Any) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, storage)


def _ints() -> dict[str, pa.Array]:
    found = {}
    for bits in (8, 16, 32, 64):
        signed, unsigned = getattr(pa, f"int{bits}")(), getattr(pa, f"uint{bits}")()
        found[f"int{bits}"] = pa.array([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, None], signed)
        found[f"uint{bits}"] = pa.array([0, 2**bits - 1, None], unsigned)
    return found


def _decimals() -> dict[str, pa.Array]:
    return {
        "decimal32": pa.array([Decimal("1.50"), None], pa.decimal32(5, 2)),
        "decimal64": pa.array([Decimal("1.50"), None], pa.decimal64(12, 2)),
        "decimal128": pa.array([Decimal("-1.50"), None], pa.decimal128(38, 2)),
        "decimal128, all places": pa.array([Decimal("0.0015"), None], pa.decimal128(4, 4)),
        "decimal128, negative scale": pa.array([Decimal(12300), None], pa.decimal128(5, -2)),
        "decimal256": pa.array([Decimal("9" * 48 + ".25"), None], pa.decimal256(50, 2)),
        "decimal256, few digits": pa.array([Decimal("1.50"), None], pa.decimal256(10, 2)),
        "decimal256, most": pa.array([Decimal("1." + "5" * 60), None], pa.decimal256(76, 60)),
        "decimal256, negative scale": pa.array([Decimal("12e70"), None], pa.decimal256(76, -5)),
    }


def _times() -> dict[str, pa.Array]:
    found: dict[str, pa.Array] = {
        "date32": pa.array([date(1, 1, 1), date(9999, 12, 31), None], pa.date32()),
        "date64": pa.array([date(2026, 1, 5), None], pa.date64()),
        "time64[ns]": pa.array([86_399_999_999_999, None], pa.int64()).cast(pa.time64("ns")),
        "month_day_nano": pa.array([INTERVAL, None]),
    }
    for unit in ("s", "ms"):
        found[f"time32[{unit}]"] = pa.array([time(6, 7, 8), None], pa.time32(unit))
    found["time64[us]"] = pa.array([time(6, 7, 8, 9), None], pa.time64("us"))
    for unit in ("s", "ms", "us", "ns"):
        found[f"timestamp[{unit}]"] = pa.array([MOMENT, None], pa.timestamp(unit))
        zoned = [MOMENT.replace(tzinfo=UTC), None]
        found[f"timestamp[{unit}, UTC]"] = pa.array(zoned, pa.timestamp(unit, "UTC"))
        found[f"timestamp[{unit}, Berlin]"] = pa.array(zoned, pa.timestamp(unit, "Europe/Berlin"))
        found[f"duration[{unit}]"] = pa.array([timedelta(days=1, seconds=2), None], pa.duration(unit))
    return found


def _texts() -> dict[str, pa.Array]:
    return {
        "bool": pa.array([True, False, None]),
        "null": pa.nulls(2),
        "string": pa.array(["", "a\tb\\", None]),
        "string with zeros": pa.array(["a\0b", None]),
        "large_string": pa.array(["x", None], pa.large_string()),
        "string_view": pa.array(["x", None], pa.string_view()),
        "binary": pa.array([b"\0\xff", None]),
        "large_binary": pa.array([b"\0", None], pa.large_binary()),
        "binary_view": pa.array([b"\0", None], pa.binary_view()),
        "fixed_size_binary": pa.array([b"\0\xff", None], pa.binary(2)),
        "fixed_size_binary of none": pa.array([b"", None], pa.binary(0)),
        "dictionary": pa.array(["x", None]).dictionary_encode(),
        "run_end_encoded": pc.run_end_encode(pa.array(["x", "x", None])),
        "float16": pa.array([1.5, float("nan"), None]).cast(pa.float16()),
        "float32": pa.array([1.5, float("inf"), None], pa.float32()),
        "float64": pa.array([1.5, 1e308, None], pa.float64()),
        "uuid": _of(pa.array([SOME.bytes, None], pa.binary(16)), pa.uuid()),
        "json": _of(pa.array(['{"a":"\\u0000b"}', None]), pa.json_()),
        "bool8": _of(pa.array([1, None], pa.int8()), pa.bool8()),
        "opaque": _of(pa.array(["x", None]), pa.opaque(pa.string(), "geometry", "postgis")),
    }


def in_lists(column: pa.Array) -> dict[str, pa.Array]:
    """Put a column of two values or more into each kind of list, a struct, and a map."""
    half = pa.array([0, 1, 1, 2], pa.int32())
    wide = half.cast(pa.int64())
    first = column.slice(0, 2)
    keys = pa.array(["a", "b"])
    return {
        "list": pa.ListArray.from_arrays(half, first),
        "large_list": pa.LargeListArray.from_arrays(wide, first),
        "fixed_size_list": pa.FixedSizeListArray.from_arrays(first, 1),
        "list of lists": pa.ListArray.from_arrays(
            half.take([0, 1, 1]), pa.ListArray.from_arrays(half, first)
        ),
        "struct": pa.StructArray.from_arrays([first], ["a"]),
        "struct of lists": pa.StructArray.from_arrays([pa.ListArray.from_arrays(half, first)], ["a"]),
        "map": pa.MapArray.from_arrays(half.take([0, 1, 3]), keys, first),
        "list of structs": pa.ListArray.from_arrays(half, pa.StructArray.from_arrays([first], ["a"])),
    }


_PAIR = pa.list_(pa.float64(), 2)


def _nested() -> dict[str, pa.Array]:
    return {
        "list_view": pa.array([["x"], None], pa.list_view(pa.string())),
        "large_list_view": pa.array([[1], None], pa.large_list_view(pa.int64())),
        "fixed_size_list with NULL": pa.array([[1.5, 2.5], None], _PAIR).cast(pa.list_(pa.float16(), 2)),
        "fixed_size_list of none": pa.array([[], None], pa.list_(pa.int8(), 0)),
        "list of no NULL": pa.array([[1], None], pa.list_(pa.field("element", pa.int64(), nullable=False))),
        "struct of no NULL": pa.array([{"a": "x"}, None], NO_NULL),
        "list of structs of no NULL": pa.array([[{"a": "x"}, None], None], pa.list_(NO_NULL)),
        "list of an unknown zone": pa.array([[1], None], pa.list_(pa.timestamp("us", "Far/Away"))),
        "empty struct": pa.array([{}, None], pa.struct([])),
        "struct in a struct": pa.array([{"a": {"b": "\0"}}, None]),
        "map of structs": pa.array([[("a", {"b": [1]})], None], WITH_STRUCTS),
    }  # fmt: skip


SCALARS = _ints() | _decimals() | _times() | _texts()
EVERY = (
    SCALARS
    | _nested()
    | {
        f"{outer} of {name}": made
        for name, column in SCALARS.items()
        if name != "run_end_encoded"
        for outer, made in in_lists(column).items()
    }
)
