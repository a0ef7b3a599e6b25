"""Texts that match a regular expression, as far as a small generator can."""

from __future__ import annotations

import re
import string
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PRINTABLE = string.ascii_letters + string.digits + " -_.,"
CATEGORIES = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_WORD": string.ascii_letters + string.digits + "_",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": string.ascii_letters,
    "CATEGORY_NOT_WORD": " -",
    "CATEGORY_NOT_SPACE": string.ascii_letters + string.digits,
}


@lru_cache(maxsize=256)
def _parse(pattern: str) -> Sequence[Any]:
    # The standard library's own parser of patterns; it has no public name since Python 3.11.
    return list(import_module("re._parser").parse(pattern))


def matching(pattern: str, below: Callable[[int], int]) -> str | None:
    """A text that matches, chosen by `below`; None when the pattern is beyond this generator."""
    try:
        text = _walk(_parse(pattern), below)
    except (re.error, KeyError, ValueError, RecursionError):
        return None
    return text if re.search(pattern, text) else None


def _walk(nodes: Sequence[Any], below: Callable[[int], int]) -> str:
    return "".join(_one(str(kind), value, below) for kind, value in nodes)


def _one(kind: str, value: Any, below: Callable[[int], int]) -> str:
    match kind:
        case "LITERAL":
            return chr(value)
        case "AT":
            return ""
        case "ANY" | "NOT_LITERAL" | "IN":
            choices = _choices(kind, value)
            return choices[below(len(choices))]
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, nodes = value
            times = least + below(min(int(most), least + 4) - least + 1)
            return "".join(_walk(nodes, below) for _ in range(times))
        case "SUBPATTERN":
            return _walk(value[-1], below)
        case "BRANCH":
            return _walk(value[1][below(len(value[1]))], below)
    raise KeyError(kind)


def _choices(kind: str, value: Any) -> str:
    if kind == "ANY":
        return PRINTABLE
    if kind == "NOT_LITERAL":
        return PRINTABLE.replace(chr(value), "")
    negated = str(value[0][0]) == "NEGATE"
    chosen = "".join(_members(str(name), member) for name, member in value[negated:])
    return "".join(sorted(set(PRINTABLE) - set(chosen))) if negated else chosen


def _members(kind: str, value: Any) -> str:
    match kind:
        case "LITERAL":
            return chr(value)
        case "RANGE":
            return "".join(map(chr, range(value[0], min(value[1], value[0] + 255) + 1)))
        case "CATEGORY":
            return CATEGORIES[str(value)]
    raise KeyError(kind)
