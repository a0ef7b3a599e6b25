"""JSON that a server wrote: read patiently, because money was spent on it."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch.text.values import clean

if TYPE_CHECKING:
    from collections.abc import Callable

# an escaped U+0000, a pair of surrogates, or a lone one; escaped once more inside a string of JSON
ESCAPES = re.compile(rb"(?i)\\u0000|\\u(?P<high>d[89ab]..)(?:\\+u(?P<low>d[c-f]..))?|\\ud[c-f]..")
#: What msgspec raises is a ValueError only since its 0.21.
UNREADABLE = (ValueError, msgspec.DecodeError, RecursionError)
#: How what is cleaned begins; a search for a backslash is the fastest that there is.
CLEANED = re.compile(rb"\\[uU](?:0000|[dD])")
FENCE = "```"
LANGUAGE = re.compile(r"\s*\w*")
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def decode(text: str) -> Any:
    """Decode an answer without U+0000 and lone surrogates; a number that is not finite is refused."""
    try:
        value = _decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return _cleaned(_patient(text, _finite))
    return _cleaned(value) if "\\u0000" in text else value


def decode_answer(text: str) -> Any:
    """Decode an answer, also where a server has put a fence of Markdown around all of it."""
    try:
        return decode(text)
    except UNREADABLE:
        inside = _unfenced(text.strip())
        if inside is None:
            raise
        return decode(inside)


def _unfenced(text: str) -> str | None:
    """Take what stands between the fences, without the name of the language."""
    if not (text.startswith(FENCE) and text.endswith(FENCE)) or len(text) < 2 * len(FENCE):
        return None
    inside = text[len(FENCE) : -len(FENCE)]
    return LANGUAGE.sub("", inside, count=1)


def decode_line(line: bytes) -> Any:
    """Decode a line as `decode` does; bytes that are not UTF-8 become U+FFFD, odd numbers None."""
    try:
        value = _decode(line)
    except (msgspec.DecodeError, UnicodeError):
        return _cleaned(_patient(line.decode("utf-8-sig", "replace"), _finite_or_none))
    return _cleaned(value) if b"\\u0000" in line else value


def unstorable(line: bytes) -> int:
    """Count the characters of a line that are cleaned: U+0000 and lone surrogates."""
    if CLEANED.search(line) is None or b"\\u" not in line:
        return 0
    return sum(match["low"] is None for match in ESCAPES.finditer(line))


def encode(value: Any) -> str:
    """Write compact JSON."""
    return _encode(value).decode()


def clean_answer(text: str) -> str:
    """Make text that every database takes: no U+0000, U+FFFD for lone surrogates."""
    return clean(text)[0].replace("\0", "")


def _patient(text: str, number: Callable[[str], float | None]) -> Any:
    return json.loads(text, strict=False, parse_float=number, parse_constant=number)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("it holds a number that is not finite")
    return value


def _finite_or_none(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean_answer(value)
        case list():
            return [_cleaned(part) for part in value]
        case dict():
            return {clean_answer(name): _cleaned(part) for name, part in value.items()}
    return value
