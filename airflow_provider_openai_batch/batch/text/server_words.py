"""What a server wrote, as it may be shown: bounded, in one line, and without characters that forge others."""

from __future__ import annotations

import re

LONGEST = 2_000
LONGEST_RAW = 65_536
#: Controls (C0, DEL, C1), line and paragraph separators, and what turns the direction of writing.
FORGING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
#: What is a key wherever it stands.
KEYS = re.compile(r"\b(bearer\s+\S+|sk-[\w-]{8,})", re.IGNORECASE)


def shown(text: str) -> str:
    """Return a text as logs, errors, and messages of rows take it."""
    return FORGING.sub(" ", text[:LONGEST])


def shown_reason(text: str) -> str:
    """Return a server's reason for a no, without a key that it repeats."""
    return KEYS.sub("***", shown(text))


def shown_raw(text: str) -> str:
    """Return a text without an answer as `raw_output` keeps it, so that the reason can be found."""
    return FORGING.sub(" ", text[:LONGEST_RAW])
