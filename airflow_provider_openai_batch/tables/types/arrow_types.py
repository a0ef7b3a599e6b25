"""Arrow types that rows are read as, and what Arrow has no exact type for."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pyarrow as pa

from airflow_provider_openai_batch.batch.text.values import clean
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.types import plain_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

JSON = {b"logical": b"json"}
UUID_TEXT = {b"logical": b"uuid"}
DECIMAL_TEXT = {b"logical": b"decimal"}
TIME_TEXT = {b"logical": b"time"}
#: Text for want of any value that would tell the type; it meets a column of any type.
UNKNOWN = {b"logical": b"unknown"}
UTC = pa.timestamp("us", tz="UTC")

#: What an untyped column can hold, and the Arrow type it is read as.
KINDS: dict[str, tuple[pa.DataType, dict[bytes, bytes] | None]] = {
    "bool": (pa.bool_(), None),
    "int": (pa.int64(), None),
    "float": (pa.float64(), None),
    "decimal": (pa.string(), DECIMAL_TEXT),
    "text": (pa.string(), None),
    "bytes": (pa.binary(), None),
    "date": (pa.date32(), None),
    "timestamp": (pa.timestamp("us"), None),
    "timestamp with time zone": (UTC, None),
    "time": (pa.string(), TIME_TEXT),
    "uuid": (pa.string(), UUID_TEXT),
    "json": (pa.string(), JSON),
    "unknown": (pa.string(), UNKNOWN),
}
PYTHON_KINDS: dict[type, str] = {
    bool: "bool", int: "int", float: "float", Decimal: "decimal", str: "text", bytes: "bytes",
    bytearray: "bytes", memoryview: "bytes", date: "date", time: "time", timedelta: "text",
    UUID: "uuid", dict: "json", list: "json", tuple: "json",
}  # fmt: skip
#: Kinds that are one kind when a column mixes them.
WIDER = {frozenset({"int", "float"}): "float", frozenset({"int", "decimal"}): "decimal"}
EXACT_FLOAT = 2**53

_encode = msgspec.json.Encoder().encode


def logical(field: pa.Field) -> str | None:
    """Name what the text of a column is: `json`, `uuid`, `decimal`, `time`, `unknown`, or plain text."""
    metadata = field.metadata or {}
    return metadata[b"logical"].decode() if b"logical" in metadata else None


def field_of(name: str, kind: str) -> pa.Field:
    """Make the Arrow field of a kind of `KINDS`."""
    if clean(name)[1]:
        raise InvalidRequest(
            f"The source has a column {clean(name)[0]!r} whose name holds half of a surrogate pair, which no "
            "table takes; rename it."
        )
    arrow, metadata = KINDS[kind]
    return pa.field(name, arrow, metadata=metadata)


def kind_of(field: pa.Field) -> str:
    """Name the kind that a field of `field_of` was made of."""
    same = (
        kind
        for kind, (arrow, metadata) in KINDS.items()
        if arrow == field.type and metadata == field.metadata
    )
    return next(same)


def infer(name: str, values: Iterable[Any]) -> str | None:
    """Find the kind of an untyped column from its values; None when all are NULL.

    Integers among floats are floats; any other mix is an error.
    """
    kinds = {_kind(name, value) for value in values if value is not None}
    if len(kinds) > 1:
        mixed = WIDER.get(frozenset(kinds))
        if mixed is None:
            raise InvalidRequest(
                f"Column {name!r} mixes {' and '.join(sorted(kinds))}; cast it to one type in the source."
            )
        return mixed
    return kinds.pop() if kinds else None


def _kind(name: str, value: object) -> str:
    if isinstance(value, datetime):
        return "timestamp" if value.tzinfo is None else "timestamp with time zone"
    if isinstance(value, time) and value.tzinfo is not None:
        return "text"  # few databases have a time of a zone, and others drop it
    for kind in type(value).__mro__:
        if kind in PYTHON_KINDS:
            return PYTHON_KINDS[kind]
    raise InvalidRequest(
        f"Column {name!r} holds a {type(value).__name__}, which is not supported; "
        "convert it to text in the source."
    )


def untyped(field: pa.Field, kind: str, values: Sequence[Any]) -> pa.Array:
    """Make an Arrow array of values that came without a type; an error names the column only."""
    allowed = {kind} | {other for pair, wide in WIDER.items() if wide == kind for other in pair}
    wrong = {_kind(field.name, value) for value in values if value is not None} - allowed
    if wrong:
        raise InvalidRequest(
            f"Column {field.name!r} is {kind} as declared or in its first rows, {min(wrong)} further down; "
            "cast it to one type in the source."
        )
    return typed(field, _written(field.name, kind, values))


def _written(name: str, kind: str, values: Sequence[Any]) -> Sequence[Any]:
    """Write values as their kind is stored; what cannot be written names the column."""
    write = WRITERS.get(kind)
    if write is None:
        return values
    try:
        return [None if value is None else write(value) for value in values]
    except OverflowError:
        reason = "holds floats and an integer beyond 2**53, which is not exact as a float"
    except RecursionError:
        reason = "holds a value that is nested too deeply"
    except (TypeError, ValueError, ArithmeticError) as error:
        reason = f"holds a value that cannot be written as {kind} ({error})"
    raise InvalidRequest(f"Column {name!r} {reason}; cast it in the source.")


def no_rows(schema: pa.Schema) -> pa.RecordBatch:
    """Make the batch that tells the types of a source without rows."""
    return pa.RecordBatch.from_pylist([], schema=schema)


def typed(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    """Make an Arrow array of the field's type; an error names the column only."""
    try:
        array = pa.array(values, field.type)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        reason = type(error).__name__
    else:
        plain_types.check_reach(field.name, array)
        return array
    raise InvalidRequest(
        f"Column {field.name!r} holds a value that does not fit its type {field.type} ({reason}); "
        "cast it in the source."
    )


def _exact_float(value: float) -> float:
    if isinstance(value, int) and abs(value) > EXACT_FLOAT:
        raise OverflowError(value)
    return float(value)


def plain_decimal(value: Decimal | int) -> str:
    """Write a decimal without exponent and trailing zeros, so that equal numbers are equal texts."""
    number = Decimal(value)
    if number.is_snan():
        raise ValueError("sNaN")
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _text(value: object) -> str:
    return clean(value if isinstance(value, str) else str(value))[0]


def _json(value: object) -> str:
    return clean(_encode(cleaned(value)).decode())[0]


def cleaned(value: Any) -> Any:
    """Replace lone surrogates anywhere in a JSON value; names are texts, each there once."""
    match value:
        case str():
            return clean(value)[0]
        case dict():
            found = {_text(name): cleaned(part) for name, part in value.items()}
            if len(found) < len(value):
                raise ValueError("an object has one name twice, and one of its values would be lost")
            return found
        case list() | tuple():
            return [cleaned(part) for part in value]
    return value


WRITERS: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "time": str,
    "json": _json,
    "uuid": str,
    "decimal": plain_decimal,
    "float": _exact_float,
    "bytes": bytes,
}


def is_list(kind: pa.DataType) -> bool:
    """Tell whether a database array can hold it: a list of one scalar type."""
    matches = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(matches and not pa.types.is_nested(kind.value_type))
