"""JSON that is nested deeper than anything we read, cut to a depth that every reader takes."""

from __future__ import annotations

import re

#: Nothing that the API documents is nested deeper than a few levels.
DEEPEST = 64
#: A text, or the beginning or end of an array or object.
TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)


def shallow(raw: bytes) -> bytes:
    """Replace what is nested deeper than 64 levels by null; JSON that is not so deep stays as it is.

    Readers of JSON call themselves for each level, and a server decides how many there are.
    """
    if raw.count(b"[") + raw.count(b"{") <= DEEPEST:
        return raw
    parts: list[bytes] = []
    depth = kept = 0
    for token in TOKENS.finditer(raw):
        if token[0] in b"[{":
            depth += 1
            if depth == DEEPEST + 1:
                parts += raw[kept : token.start()], b"null"
        elif token[0] in b"]}":
            depth -= 1
            if depth == DEEPEST:
                kept = token.end()
    return b"".join([*parts, raw[kept:]]) if parts and depth <= DEEPEST else b"" if parts else raw
