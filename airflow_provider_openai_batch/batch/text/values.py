"""The text of a value: one rule for every type, whatever path the value was read by."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import islice
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.exceptions import InvalidRequest

SURROGATE = re.compile("[\ud800-\udfff]")
#: Where Python and Arrow write a number that is not an integer in the same way, without an exponent.
SMALLEST_PLAIN, LARGEST_PLAIN = 1e-4, 1e7
_encode = msgspec.json.Encoder().encode


def texts(column: pa.Array | pa.ChunkedArray) -> list[str]:
    """Write each value as text; NULL and NaN are the empty string."""
    if isinstance(column, pa.ChunkedArray):
        return [text for chunk in column.chunks for text in texts(chunk)]
    column = _storage(column)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.fill_null(column, "").to_pylist()  # type: ignore[no-any-return]
    return ["" if text is None else text for text in _writer(column.type)(column)]


def nullable_texts(column: pa.Array) -> list[str | None]:
    """Write each value as `texts` does, and leave NULL as it is."""
    written = zip(texts(column), column.is_valid().to_pylist(), strict=True)
    return [text if valid else None for text, valid in written]


def text_array(column: pa.Array) -> pa.Array:
    """Write each value as `texts` does, without a Python object for each where Arrow can."""
    column = _storage(column)
    if pa.types.is_integer(column.type) or pa.types.is_string(column.type):
        return pc.fill_null(column.cast(pa.string()), "")
    return pa.array(texts(column), pa.string())


def clean(text: str) -> tuple[str, int]:
    """Replace lone surrogates, which UTF-8 cannot hold, by U+FFFD and count them; a pair is one character."""
    if text.isascii() or not SURROGATE.search(text):
        return text, 0
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return SURROGATE.subn("�", joined)


def _storage(column: pa.Array) -> pa.Array:
    while True:
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        elif isinstance(column.type, pa.UuidType):
            return pa.array(
                [None if value is None else str(value) for value in column.to_pylist()], pa.string()
            )
        elif isinstance(column.type, pa.BaseExtensionType):
            column = column.storage
        elif pa.types.is_string_view(column.type):
            column = column.cast(pa.string())
        else:
            return column


Texts = list[str | None]
Writer = Callable[[pa.Array], Texts]


def _by_arrow(column: pa.Array) -> Texts:
    return column.cast(pa.string()).to_pylist()  # type: ignore[no-any-return]


def _floats(column: pa.Array) -> Texts:
    return [None if value is None or math.isnan(value) else repr(value) for value in column.to_pylist()]


def _short_floats(column: pa.Array) -> Texts:
    values = column.to_numpy(zero_copy_only=False).astype(column.type.to_pandas_dtype())
    # numpy finds the shortest digits, Python writes them in its own notation
    return [None if math.isnan(value) else repr(float(str(value))) for value in values]


def _decimals(column: pa.Array) -> Texts:
    return [None if value is None else format(value, "f") for value in column.to_pylist()]


def _binary(column: pa.Array) -> Texts:
    return [None if value is None else base64.b64encode(value).decode() for value in column.to_pylist()]


def _dates(column: pa.Array) -> Texts:
    return _by_arrow(column.cast(pa.date32()))


def _timestamps(column: pa.Array) -> Texts:
    unit = column.type.unit
    naive = column.cast(pa.int64()).cast(
        pa.timestamp(unit)
    )  # the stored instant is UTC; a cast of the zone is not
    written = _fraction(naive if unit in {"us", "ns"} else naive.cast(pa.timestamp("us")))
    zone = "" if column.type.tz is None else "Z"
    return [None if text is None else text.replace(" ", "T") + zone for text in written]


def _times(column: pa.Array) -> Texts:
    return _fraction(column if pa.types.is_time64(column.type) else column.cast(pa.time64("us")))


def _fraction(column: pa.Array) -> Texts:
    """Write as `isoformat` does: no fraction when it is zero, else 6 digits, 9 only where needed."""
    return [_shorten(text) if text is not None else None for text in _by_arrow(column)]


def _shorten(text: str) -> str:
    whole, _, fraction = text.partition(".")
    if not fraction.strip("0"):
        return whole
    return text[:-3] if fraction[6:] == "000" else text


def _durations(column: pa.Array) -> Texts:
    micros = column.cast(pa.duration("us"), safe=False).cast(pa.int64()).to_pylist()
    return [None if n is None else msgspec.to_builtins(timedelta(microseconds=n)) for n in micros]


def _nothing(column: pa.Array) -> Texts:
    return [None] * len(column)


def _json(column: pa.Array) -> list[str]:
    """Write each value as compact JSON; a NULL, NaN, or infinity is null."""
    column = _storage(column)
    kind = column.type
    written = _writer(kind)(column)
    if (
        _is_nested(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_decimal(kind)
    ):
        return ["null" if text is None else text for text in written]
    if pa.types.is_floating(kind):
        return ["null" if text is None or text.endswith("inf") else text for text in written]
    return ["null" if text is None else _encode(text).decode() for text in written]


def _json_floats(column: pa.Array) -> pa.Array:
    """Write numbers as `_json` does: by Arrow those that it writes as Python does, which are nearly all."""
    numbers = np.abs(column.to_numpy(zero_copy_only=False))
    same = (numbers >= SMALLEST_PLAIN) & (numbers < LARGEST_PLAIN) & (numbers != np.trunc(numbers))
    others = pa.array(~same)
    return pc.replace_with_mask(
        column.cast(pa.string()), others, pa.array(_json(column.filter(others)), pa.string())
    )


def _lists_of_floats(column: pa.Array) -> Texts:
    """Write lists of numbers, of which an embedding has thousands, without an object for each."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    items = pa.LargeListArray.from_arrays(offsets, _json_floats(pc.list_flatten(column)))
    texts = pc.binary_join_element_wise("[", pc.binary_join(items, ","), "]", "")
    return pc.if_else(column.is_valid(), texts, None).to_pylist()  # type: ignore[no-any-return]


def _lists(column: pa.Array) -> Texts:
    if pa.types.is_float32(column.type.value_type) or pa.types.is_float64(column.type.value_type):
        return _lists_of_floats(column)
    items = iter(_json(pc.list_flatten(column)))
    lengths = pc.list_value_length(column).to_pylist()
    return [None if length is None else f"[{','.join(islice(items, length))}]" for length in lengths]


def _structs(column: pa.Array) -> Texts:
    names = [_encode(field.name).decode() for field in column.type]
    rows: Iterable[tuple[str, ...]] = zip(*map(_json, column.flatten()), strict=True)
    if not names:
        rows = [()] * len(column)
    return [
        _object(zip(names, row, strict=True)) if valid else None
        for valid, row in zip(column.is_valid().to_pylist(), rows, strict=True)
    ]


def _maps(column: pa.Array) -> Texts:
    kind = column.type
    entry = pa.struct([pa.field("key", kind.key_type), pa.field("value", kind.item_type)])
    entries = column.cast(pa.list_(entry))
    keys, items = pc.list_flatten(entries).flatten()
    pairs = iter(zip((_encode(text).decode() for text in texts(keys)), _json(items), strict=True))
    lengths = pc.list_value_length(entries).to_pylist()
    return [None if length is None else _object(islice(pairs, length)) for length in lengths]


def _object(pairs: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"


def _is_list(kind: pa.DataType) -> bool:
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(matches(kind) for matches in tests)


def _is_nested(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind))


def _is_binary(kind: pa.DataType) -> bool:
    types = pa.types
    tests = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
    return any(matches(kind) for matches in tests)


WRITERS: tuple[tuple[Callable[[pa.DataType], Any], Writer], ...] = (
    (pa.types.is_string, _by_arrow),
    (pa.types.is_large_string, _by_arrow),
    (pa.types.is_integer, _by_arrow),
    (pa.types.is_boolean, _by_arrow),
    (pa.types.is_float64, _floats),
    (pa.types.is_floating, _short_floats),
    (pa.types.is_decimal, _decimals),
    (pa.types.is_timestamp, _timestamps),
    (pa.types.is_date, _dates),
    (pa.types.is_time, _times),
    (pa.types.is_duration, _durations),
    (_is_binary, _binary),
    (_is_list, _lists),
    (pa.types.is_struct, _structs),
    (pa.types.is_map, _maps),
    (pa.types.is_null, _nothing),
)


def _writer(kind: pa.DataType) -> Writer:
    for matches, writer in WRITERS:
        if matches(kind):
            return writer
    raise InvalidRequest(f"A column of type {kind} has no text form; cast it to another type in the source.")
