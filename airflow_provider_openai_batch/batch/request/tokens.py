"""How many tokens texts have: an estimate by their bytes, and which tokenizer counts them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import numpy.typing as npt

    Tokens = npt.NDArray[np.float64]

O200K, CL100K = "o200k_base", "cl100k_base"
OLDER = re.compile(r"(ft:)?(gpt-4(?!o|\.\d)|gpt-3\.5|text-embedding-)")

BLOCK = 1_024
UNIT = 32
#: What the first byte of a character is worth, in 1/32 of a token of `o200k_base`: fitted to English and
#: 20 other languages, Markdown, Python, JSON, and logs; above ASCII a sixth more, to err on the high side.
WORTH = (
    (0x00, 14), (ord("\t"), 4), (ord("\n"), 20), (ord("\v"), 14), (ord("\r"), 20), (0x0E, 14), (ord(" "), 4),
    (ord("!"), 14), (ord('"'), 13), (ord("#"), 14), (ord("0"), 21), (ord(":"), 14), (ord("A"), 10),
    (ord("["), 14), (ord("_"), 8), (ord("`"), 14), (ord("a"), 7), (ord("{"), 14),
    (0x80, 0),  # the other bytes of a character
    (0xC0, 40),  # Latin with accents
    (0xCD, 16),  # Greek
    (0xD0, 10),  # Cyrillic
    (0xD4, 14),  # Hebrew
    (0xD8, 13),  # Arabic
    (0xE0, 14),  # India and Thailand
    (0xE1, 22),  # signs
    (0xE3, 24),  # Kana
    (0xE4, 33),  # Chinese
    (0xEA, 26),  # Hangul
    (0xF0, 56),  # emoji
    (0x100, 0),
)  # fmt: skip
_WORTH = b"".join(bytes([worth]) * (end - start) for (start, worth), (end, _) in pairwise(WORTH))


class Counter(Protocol):
    """Counts the tokens of Arrow strings without NULL; `joins` says that parts do not add up to the whole."""

    joins: bool

    def count(self, texts: pa.Array) -> Tokens:
        """Return the tokens of each text."""


class ByBytes:
    """Estimates tokens by the scripts that bytes belong to, in less than a nanosecond a byte."""

    joins = False

    def count(self, texts: pa.Array) -> Tokens:
        """Return the tokens of each text, with fractions; a block at a time, for each byte takes another."""
        blocks = [_count(texts.slice(start, BLOCK)) for start in range(0, len(texts), BLOCK)]
        return np.concatenate(blocks) if blocks else np.zeros(0)


def _count(texts: pa.Array) -> Tokens:
    counts = np.zeros(len(texts))
    texts = texts.cast(pa.large_string())
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])  # an empty text would take its neighbor's byte
    if len(filled):
        start, end = int(offsets[0]), int(offsets[-1])
        worths = texts.buffers()[2].slice(start, end - start).to_pybytes().translate(_WORTH)
        summed = np.add.reduceat(np.frombuffer(worths, np.uint8), offsets[filled] - start, dtype=np.uint32)
        counts[filled] = summed / UNIT
    return counts


def encoding_of(model: str) -> str:
    """Return the name of the tokenizer of a model; that of one which is not known is a guess."""
    return CL100K if OLDER.match(model) else O200K
