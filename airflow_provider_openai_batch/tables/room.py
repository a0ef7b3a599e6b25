"""Whether a table has room for every value that a load may bring, so that no value stops a paid one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import SqlglotError

from airflow_provider_openai_batch.tables import types

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.plan import Plan, Written

_T = exp.DataType.Type
BITS = {
    _T.TINYINT: 8, _T.SMALLINT: 16, _T.MEDIUMINT: 24, _T.INT: 32, _T.BIGINT: 64, _T.INT128: 128,
}  # fmt: skip
#: Decimal digits that an integer of so many bits may have.
DIGITS = {8: 3, 16: 5, 32: 10, 64: 19}
#: How long the values of fixed columns are at most; others that are short have room in `SHORT`.
LONGEST = {"custom_id": 32, "input_hash": 32, "prompt_version": 32, "status": 16}
SHORT = 64
UNBOUNDED_ROLES = frozenset({"raw_output", "error_message"})
#: No source tells how long its keys and carried texts are: they are taken on the user's word. A load that
#: meets a longer one fails, and lands for free once the column is widened.
TRUSTED = 0
UUID_LENGTH = 36


def lacks_room(made: Plan, column: Written, dialect: str) -> str | None:
    """Say what to do about a column that is too narrow; None when all values have room."""
    if dialect == "sqlite":
        return None
    kind = _parsed(column.type, dialect)
    if pa.types.is_integer(column.field.type):
        return None if kind is None or _holds_integers(made, column, kind) else "widen the column"
    if not pa.types.is_string(column.field.type) or types.logical(column.field) in {"json", "decimal"}:
        return None
    if column.closed and not _is_given(made, column.field.name):
        return "make the column text, for an answer may be any text"
    limit = text_limit(column.type, dialect)
    if limit is None or limit >= _needed(made, column):
        return None
    return "widen the column, or make it text"


def text_limit(kind: str, dialect: str) -> int | None:
    """Count the characters that a text type holds; None where nothing limits them."""
    if dialect != "postgres":
        return None
    found = re.fullmatch(r"(?:character varying|varchar|character|char|bpchar)\((\d+)\)", kind)
    return int(found[1]) if found else None


def _holds_integers(made: Plan, column: Written, kind: exp.DataType) -> bool:
    name, bits = column.field.name, column.field.type.bit_width
    if kind.this in BITS:
        theirs = BITS[kind.this]
        if name in made.landing.partition:
            value = made.landing.partition[name]
            return not isinstance(value, int) or -(2 ** (theirs - 1)) <= value < 2 ** (theirs - 1)
        unsigned = pa.types.is_unsigned_integer(column.field.type)
        return theirs >= (32 if column.role else bits + unsigned)
    if kind.this == _T.DECIMAL and kind.expressions and not column.role:
        precision, scale = ([int(part.name) for part in kind.expressions] + [0])[:2]
        return name in made.landing.partition or precision - scale >= DIGITS[bits]
    return True


def _needed(made: Plan, column: Written) -> int:
    role, name = column.role, column.field.name
    if role == "run_id":
        return len(made.landing.run_id)
    if role is not None:
        return 2**31 if role in UNBOUNDED_ROLES else LONGEST.get(role, SHORT)
    if name in made.landing.partition:
        return len(str(made.landing.partition[name]))
    if types.logical(column.field) == "uuid":
        return UUID_LENGTH
    return TRUSTED if _is_given(made, name) else 2**31


def _is_given(made: Plan, name: str) -> bool:
    landing = made.landing
    return name in {*landing.key, *landing.partition, *(landing.carried or ())}


def _parsed(kind: str, dialect: str) -> exp.DataType | None:
    try:
        return exp.DataType.build(kind, dialect=dialect)
    except (SqlglotError, ValueError):
        return None
