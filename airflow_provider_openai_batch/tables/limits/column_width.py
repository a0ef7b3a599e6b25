"""Whether a table has room for every value that is not an answer, so that none stops a paid load."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from airflow_provider_openai_batch.batch.output.column_limits import (
    Bytes,
    Characters,
    Charset,
    Items,
    Range,
    Words,
)
from airflow_provider_openai_batch.tables.limits.declared_limits import bound_of, number_bound, text_bound
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import family, parsed

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.output.column_limits import Bound
    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.plan import Plan, TargetColumn

#: How long the values of fixed columns are at most; others that are short have room in `SHORT`.
LONGEST = {"custom_id": 32, "input_hash": 32, "prompt_version": 32, "status": 16}
SHORT = 64
UNBOUNDED_ROLES = frozenset({"raw_output", "error_message"})
#: How long texts of a source are is unknown: the user's choice of column is trusted. A load that meets a
#: longer one fails, and lands for free once the column is widened.
TRUSTED = 0
#: How long a zoned moment, the longest of what is neither number nor text, is as text.
MOMENT = 35
FLOAT, SHORT_FLOAT = 25, 16
UUID = 36
FIXED_INTEGERS = Range(least=0, most=2**31 - 1)


def lacks_room(made: Plan, column: TargetColumn, dialect: Dialect) -> str | None:
    """Say what to do about a column that is too narrow; None when all values have room.

    A single answer that does not fit becomes an `invalid` row; only what is known of all is refused here.
    """
    if dialect.types.are_loose or column.added:
        return None
    if is_output(made, column):
        reason = _never_fits(column, bound_of(column, dialect))
        if reason is not None:
            return reason
    elif column.field.name in made.landing.partition:
        bound, value = bound_of(column, dialect), made.landing.partition[column.field.name]
        told = bound.refuses(value) if bound is not None and _is_like(value, bound) else None
        return None if told is None else "the partition's value has no room"
    elif pa.types.is_integer(column.field.type) and not _holds_integers(column, dialect):
        return "widen the column"
    return None if _holds_texts(made, column, dialect) else "widen the column, or make it text"


def is_output(made: Plan, column: TargetColumn) -> bool:
    """Tell whether a column holds a part of the answers."""
    landing = made.landing
    given = {*landing.key, *landing.partition, *(landing.carried or ())}
    return column.role is None and column.field.name not in given


def _is_like(value: object, bound: Bound) -> bool:
    kind = int if isinstance(bound, Range) else str
    return isinstance(value, kind) and isinstance(bound, Range | Words | Characters | Bytes | Charset)


def _never_fits(column: TargetColumn, bound: Bound | None) -> str | None:
    """Find what the output type says of all answers and the column never takes."""
    stated = column.field.metadata or {}
    match bound:
        case Items(count=int(count)) if b"items" in stated and int(stated[b"items"]) != count:
            return f"it takes lists of {count:,}, the output type gives {int(stated[b'items']):,}"
        case Words() | Characters() | Bytes() | Charset() if b"words" in stated:
            refused = [word for word in json.loads(stated[b"words"]) if bound.refuses(word)]
            if refused:
                return f"it does not take {', '.join(map(repr, refused))} of the output type"
    return None


def _holds_integers(column: TargetColumn, dialect: Dialect) -> bool:
    kind = parsed(column.type, dialect)
    bound = None if kind is None else number_bound(kind, dialect)
    if bound is None:
        return True
    ours = FIXED_INTEGERS if column.role else range_of(column.field.type)
    return bool(bound.least <= ours.least and ours.most <= bound.most)


def range_of(kind: pa.DataType) -> Range:
    """Name which integers a type of Arrow holds."""
    if pa.types.is_unsigned_integer(kind):
        return Range(least=0, most=2**kind.bit_width - 1)
    return Range(least=-(2 ** (kind.bit_width - 1)), most=2 ** (kind.bit_width - 1) - 1)


def _holds_texts(made: Plan, column: TargetColumn, dialect: Dialect) -> bool:
    kind = parsed(column.type, dialect)
    if kind is None or family(column.type, dialect) != "text":
        return True
    bound: Any = text_bound(kind, dialect)
    return bound is None or bound.most >= _needed(made, column, dialect)


def _needed(made: Plan, column: TargetColumn, dialect: Dialect) -> int:
    role = column.role
    if role == "run_id":
        return len(made.landing.run_id)
    if role in UNBOUNDED_ROLES:
        return dialect.limits.long_text
    if role is not None:
        return LONGEST.get(role, SHORT)
    return _longest_text(column.field)


def _longest_text(field: pa.Field) -> int:
    """Count the characters of the longest value of a type, where it has one."""
    kind = field.type
    if arrow_types.logical(field) == "uuid":
        return UUID
    if pa.types.is_integer(kind):
        return len(str(range_of(kind).least or range_of(kind).most))
    if pa.types.is_decimal(kind):
        return int(kind.precision) + len("-0.")
    if pa.types.is_floating(kind):
        return FLOAT
    if pa.types.is_list(kind) and pa.types.is_float32(kind.value_type):
        return int((field.metadata or {}).get(b"items", 0)) * SHORT_FLOAT
    return MOMENT if pa.types.is_temporal(kind) else TRUSTED
