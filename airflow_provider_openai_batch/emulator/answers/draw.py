"""Reproducible choices for the answer to one request, and what its prompt says."""

from __future__ import annotations

import re
from typing import NamedTuple

MASK = (1 << 64) - 1
WORD = re.compile(r"\w+")
FILLER = (b"alpha", b"beta", b"gamma", b"delta", b"omega")
LONGEST = 2_000
ASCII = bytes(range(128))
LATIN, UTF8 = "latin-1", "utf-8"
#: Each byte as it is where it belongs to a word, or, in UTF-8, to a character beyond ASCII; else a space.
SPACED = {
    LATIN: bytes(byte if WORD.fullmatch(chr(byte)) else 32 for byte in range(256)),
    UTF8: bytes(byte if byte > ASCII[-1] or WORD.fullmatch(chr(byte)) else 32 for byte in range(256)),
}
#: The only characters beyond ASCII whose lower case has letters of ASCII.
KELVIN, DOTTED = "\u212a", "\u0130"


class Encoded(NamedTuple):
    """A text in bytes; what is not of a word may be spaces."""

    raw: bytes
    encoding: str


class Draw:
    """Cheap reproducible choices for one request, and the words of its prompt.

    Splitting and searching bytes takes a small part of the time. They are Latin-1 where all characters are,
    since a byte alone tells there whether it is of a word; else UTF-8.
    """

    __slots__ = ("_encoded", "_lowered", "_plain", "_state", "_text", "_words", "depth")

    def __init__(self, seed: int, text: str) -> None:
        self._state = (seed * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) & MASK
        self._text = text[:LONGEST]
        # Made at the first look; a cached property would take a lock each.
        self._encoded: Encoded | None = None
        self._words: list[bytes] | None = None
        self._lowered: bytes | None = None
        self._plain: bytes | None = None
        self.depth = 0

    @property
    def encoded(self) -> Encoded:
        """The prompt's beginning in bytes, made at the first look."""
        if self._encoded is None:
            self._encoded = _encoded(self._text)
        return self._encoded

    @property
    def lowered(self) -> bytes:
        """The prompt's beginning in lower case, to look labels up in."""
        if self._lowered is None:
            self._lowered = self._text.lower().encode()
        return self._lowered

    @property
    def plain(self) -> bytes:
        """The same for what is sought in ASCII: other letters may be as they were."""
        if self._plain is None:
            is_odd = KELVIN in self._text or DOTTED in self._text
            self._plain = self.lowered if is_odd else self.encoded.raw.lower()
        return self._plain

    @property
    def words(self) -> list[bytes]:
        """The words of the prompt's beginning."""
        if self._words is None:
            self._words = _words(self.encoded) or list(FILLER)
        return self._words

    def below(self, bound: int) -> int:
        """A number from 0 up to, not including, `bound`."""
        self._state = state = (self._state * 6364136223846793005 + 1442695040888963407) & MASK
        return (state >> 33) % bound

    def identity(self) -> str:
        """What an id ends with."""
        return f"{self.below(1 << 31):08x}{self.below(1 << 31):08x}"

    def phrase(self, words: int) -> str:
        """A few words of the prompt, in its order."""
        known = self.words
        start = self.below(max(1, len(known) - words))
        return b" ".join(known[start : start + words]).decode(self.encoded.encoding)


def _encoded(text: str) -> Encoded:
    """A text in Latin-1, also where only its quotes and dashes are not; else in UTF-8."""
    try:
        return Encoded(text.encode(LATIN), LATIN)
    except UnicodeEncodeError:
        spaced = _without_signs(text)
    try:
        return Encoded(spaced.encode(LATIN), LATIN)
    except UnicodeEncodeError:
        return Encoded(spaced.encode(), UTF8)


def _without_signs(text: str) -> str:
    """A text with spaces for what is beyond ASCII, and neither letter nor digit."""
    beyond = text.encode().translate(None, ASCII).decode()
    signs = () if beyond.isalnum() else [sign for sign in set(beyond) if not sign.isalnum()]
    for sign in signs:
        text = text.replace(sign, " ")
    return text


def _words(encoded: Encoded) -> list[bytes]:
    r"""Every `\w+` of a text."""
    return encoded.raw.translate(SPACED[encoded.encoding]).split()
