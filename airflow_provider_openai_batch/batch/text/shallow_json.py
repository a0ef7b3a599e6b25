"""JSON that is nested deeper than anything we read, cut to a depth that every reader takes."""

from __future__ import annotations

import re

#: Nothing that the API documents is nested deeper than a few levels.
DEEPEST = 64
STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
STRINGS = re.compile(STRING, re.DOTALL)
#: A string, or the beginning or end of an array or object.
TOKENS = re.compile(STRING + rb"|[\[\]{}]", re.DOTALL)
BEGINNINGS, ENDS = b"[{", b"]}"
REST = bytes(set(range(256)) - {*BEGINNINGS, *ENDS})


def shallow(raw: bytes) -> bytes:
    """Replace what is nested deeper than 64 levels by null; JSON that is not so deep stays as it is.

    Readers of JSON call themselves for each level, and a server decides how many there are.
    """
    if raw.count(b"[") + raw.count(b"{") <= DEEPEST or not _is_deep(raw):
        return raw
    parts: list[bytes] = []
    depth = kept = 0
    for token in TOKENS.finditer(raw):
        if token[0] in BEGINNINGS:
            depth += 1
            if depth == DEEPEST + 1:
                parts += raw[kept : token.start()], b"null"
        elif token[0] in ENDS:
            depth -= 1
            if depth == DEEPEST:
                kept = token.end()
    return b"".join([*parts, raw[kept:]]) if parts and depth <= DEEPEST else b"" if parts else raw


def _is_deep(raw: bytes) -> bool:
    """Tell whether anything is to be cut, at a fraction of what it costs to go from token to token."""
    depth = 0
    for bracket in STRINGS.sub(b"", raw).translate(None, REST):
        depth += 1 if bracket in BEGINNINGS else -1
        if depth > DEEPEST:
            return True
    return False
