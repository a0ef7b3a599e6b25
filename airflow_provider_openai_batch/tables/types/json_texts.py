"""Texts that a source says are JSON: whether they are, and what their numbers are to JSON and a database."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NoReturn

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

_skim = msgspec.json.Decoder(msgspec.Raw).decode
#: A text inside of JSON: what it holds is not a number.
TEXT = r'"(?:[^"\\]|\\.)*"'
#: What may be a number that a database has no room for; few texts hold such a one.
LONG = r"\d[eE][+-]?\d{3}|\d{300}"
NUMBER = re.compile(rf"{TEXT}|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.DOTALL)
#: The same of a number that is not finite, which some databases allow in JSON.
ENDLESS = r"(?i)\b(?:nan|inf)"
NOT_FINITE = re.compile(rf"{TEXT}|[+-]?\b(?:nan|inf(?:inity)?)\b", re.IGNORECASE | re.DOTALL)


def is_json(text: str) -> bool:
    """Tell whether a text is JSON, of numbers of any length, and not deeper than can be read."""
    try:
        _skim(text)
    except RecursionError:
        return False
    except (msgspec.DecodeError, UnicodeError):
        return _is_odd_json(text)
    return True


def _is_odd_json(text: str) -> bool:
    """Tell whether it is JSON with halves of surrogate pairs, which targets get without them."""
    try:
        json.loads(text, parse_constant=_no_constant, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def wrong_numbers(column: pa.Array, holds: Callable[[str], bool]) -> pa.Array:
    """Tell which texts of JSON hold a number that the JSON of a database does not."""
    suspect = _suspects(column, LONG)
    wrong = [not all(map(holds, _numbers(text))) for text in column.filter(suspect).to_pylist()]
    return pc.replace_with_mask(suspect, suspect, pa.array(wrong, pa.bool_()))


def finite(column: pa.Array) -> pa.Array:
    """Write null for numbers that are not finite."""
    suspect = _suspects(column, ENDLESS)
    written = [NOT_FINITE.sub(_null, text) for text in column.filter(suspect).to_pylist()]
    return pc.replace_with_mask(column, suspect, pa.array(written, pa.string()))


def _null(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else "null"


def _suspects(column: pa.Array, pattern: str) -> pa.Array:
    """Mark the texts that are worth a closer look."""
    return pc.fill_null(pc.match_substring_regex(column, pattern), False)


def _numbers(text: str) -> list[str]:
    return [found for found in NUMBER.findall(text) if not found.startswith('"')]
