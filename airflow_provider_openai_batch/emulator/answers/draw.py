"""Reproducible choices for the answer to one request, and what its prompt says."""

from __future__ import annotations

import re

MASK = (1 << 64) - 1
WORD = re.compile(r"\w+")
FILLER = (b"alpha", b"beta", b"gamma", b"delta", b"omega")
LONGEST = 2_000
ASCII = bytes(range(128))
#: Each byte as it is where it belongs to a word, or to a character beyond ASCII; else a space.
SPACED = bytes(byte if byte > ASCII[-1] or WORD.fullmatch(chr(byte)) else 32 for byte in range(256))
#: The only characters beyond ASCII whose lower case has letters of ASCII.
KELVIN, DOTTED = "\u212a".encode(), "\u0130".encode()


class Draw:
    """Cheap reproducible choices for one request, and the words of its prompt.

    Texts are kept as UTF-8: splitting and searching bytes takes a small part of the time.
    """

    __slots__ = ("_lowered", "_plain", "_raw", "_state", "_text", "_words", "depth")

    def __init__(self, seed: int, text: str) -> None:
        self._state = (seed * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) & MASK
        self._text = text[:LONGEST]
        self._raw = self._text.encode()
        # Made at the first look; a cached property would take a lock each.
        self._words: list[bytes] | None = None
        self._lowered: bytes | None = None
        self._plain: bytes | None = None
        self.depth = 0

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
            is_odd = KELVIN in self._raw or DOTTED in self._raw
            self._plain = self.lowered if is_odd else self._raw.lower()
        return self._plain

    @property
    def words(self) -> list[bytes]:
        """The words of the prompt's beginning."""
        if self._words is None:
            self._words = _words(self._text, self._raw) or list(FILLER)
        return self._words

    def below(self, bound: int) -> int:
        """A number from 0 up to, not including, `bound`."""
        self._state = state = (self._state * 6364136223846793005 + 1442695040888963407) & MASK
        return (state >> 33) % bound

    def phrase(self, words: int) -> str:
        """A few words of the prompt, in its order."""
        known = self.words
        start = self.below(max(1, len(known) - words))
        return b" ".join(known[start : start + words]).decode()


def _words(text: str, raw: bytes) -> list[bytes]:
    r"""Every `\w+` of a text; the pattern itself is asked only where a sign beyond ASCII parts words."""
    if len(text) < len(raw) and not raw.translate(None, ASCII).decode().isalnum():
        return [word.encode() for word in WORD.findall(text)]
    return raw.translate(SPACED).split()
