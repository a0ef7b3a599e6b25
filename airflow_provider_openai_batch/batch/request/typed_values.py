"""Numbers and booleans of a column as JSON, where the API takes nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.batch.arguments.typed_fields import BOOLEAN, INTEGER
from airflow_provider_openai_batch.batch.text.values import texts
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.batch.request.template import Typed

FLAGS = {"0": b"false", "1": b"true", "false": b"false", "true": b"true"}
WANTED = {BOOLEAN: "a boolean", INTEGER: "an integer", "number": "a number"}
#: What the source says of a column whose texts are numbers.
DECIMAL = b"decimal"
MISSING = {"", "NaN"}


def json_values(typed: Typed, field: pa.Field, column: pa.Array) -> list[bytes | None]:
    """Write each value; None for NULL and NaN, which is left out of the body."""
    if not _fits(typed, field, column):
        raise _odd(typed, f"is {field.type}; cast it in the source (a CSV holds text: write Parquet)")
    write = _WRITERS.get(typed.wanted, _number)
    return [None if text in MISSING else write(typed, text) for text in texts(column)]


def _fits(typed: Typed, field: pa.Field, column: pa.Array) -> bool:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if column.null_count == len(column):
        return True  # a column without any value may have any type
    if typed.wanted == BOOLEAN:
        return bool(pa.types.is_boolean(kind) or pa.types.is_integer(kind))
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return bool(numeric or (field.metadata or {}).get(b"logical") == DECIMAL)


def _flag(typed: Typed, text: str) -> bytes:
    if text not in FLAGS:
        raise _odd(typed, "holds an integer other than 0 and 1; correct or filter it in the source")
    return FLAGS[text]


def _number(typed: Typed, text: str) -> bytes:
    if not Decimal(text).is_finite():
        raise _odd(typed, "holds a number that is not finite; correct or filter it in the source")
    return text.encode()


def _integer(typed: Typed, text: str) -> bytes:
    number = Decimal(_number(typed, text).decode())
    if number != number.to_integral_value():
        raise _odd(typed, "holds a number with a fraction; correct or filter it in the source")
    return str(int(number)).encode()


def _odd(typed: Typed, what: str) -> InvalidRequest:
    wanted = f"{typed.place} is {{{typed.column}}}, and the API takes {WANTED[typed.wanted]} there"
    return InvalidRequest(f"{wanted}, but column {typed.column!r} {what}.")


_WRITERS: dict[str, Callable[[Typed, str], bytes]] = {BOOLEAN: _flag, INTEGER: _integer}
