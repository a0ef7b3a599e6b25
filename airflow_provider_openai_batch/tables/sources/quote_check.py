"""Whether the quotes of a CSV stand where they may: readers that are lenient lose rows without a word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Places = npt.NDArray[np.intp]

LF, CR = ord("\n"), ord("\r")
#: Whatever is escaped is not a quote, no delimiter, and no line end.
NEUTRAL = b"xx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong; rows count from 1 without empty lines, the header too, and lines as editors do."""

    what: str
    row: int
    line: int


class QuoteCheck:
    """Takes a CSV in pieces, as bytes of UTF-8, and finds its first mistake.

    A quote opens at the start of a field and closes before a delimiter, a line end, or the end of the
    file; inside it is doubled. Python's `csv` in strict mode also takes a quote inside a bare field.
    """

    def __init__(self, delimiter: str, quote: str, escape: str | None) -> None:
        self._quote = ord(quote)
        self._borders = np.array([ord(delimiter), LF, CR, self._quote], np.uint8)
        self._escaped = None if escape is None else re.compile(re.escape(escape.encode()) + b"(?s:.)")
        self._escape = b"" if escape is None else escape.encode()
        self._carry = b""
        self._inside = False
        #: The byte before the next piece; a file begins as a line does.
        self._before = LF
        self._rows, self._lines, self._opened = 0, 1, 1

    def feed(self, data: bytes) -> Mistake | None:
        """Take the next piece."""
        masked = self._masked(data)
        if not masked:
            return None
        bytes_ = np.frombuffer(masked, np.uint8)
        before = np.concatenate([np.array([self._before], np.uint8), bytes_[:-1]])
        quotes = np.flatnonzero(bytes_ == self._quote)
        opens = (np.arange(len(quotes)) + self._inside) % 2 == 0
        bad = quotes[opens & ~np.isin(before[quotes], self._borders)]
        closed = quotes[~opens] + 1
        if self._before == self._quote and not self._inside:
            closed = np.concatenate([[0], closed])
        closed = closed[closed < len(bytes_)]
        late = closed[~np.isin(bytes_[closed], self._borders)]
        first = min([*bad[:1].tolist(), *late[:1].tolist()], default=None)
        if first is not None:
            is_late = bool(len(late)) and first == late[0]
            what = "text after a closing quote" if is_late else "a quote inside a field without quotes"
            self._advance(bytes_[:first], before[:first], quotes)
            return Mistake(what=what, row=self._rows + 1, line=self._lines)
        self._advance(bytes_, before, quotes)
        return None

    def finish(self) -> Mistake | None:
        """Say whether the file may end here."""
        if self._carry:
            return Mistake(what="the file ends after an escape", row=self._rows + 1, line=self._lines)
        if self._inside:
            what = "the file ends inside quotes, which open here"
            return Mistake(what=what, row=self._rows + 1, line=self._opened)
        return None

    def _masked(self, data: bytes) -> bytes:
        if self._escaped is None:
            return data
        data = self._escaped.sub(NEUTRAL, self._carry + data)
        self._carry = self._escape if data.endswith(self._escape) else b""
        return data.removesuffix(self._escape) if self._carry else data

    def _advance(self, bytes_: npt.NDArray[np.uint8], before: npt.NDArray[np.uint8], quotes: Places) -> None:
        """Count rows and lines; a line end inside quotes ends no row, nor does that of an empty line."""
        if not len(bytes_):
            return
        quotes = quotes[quotes < len(bytes_)]
        ends = np.flatnonzero((bytes_ == LF) | (bytes_ == CR))
        outside = (np.searchsorted(quotes, ends) + self._inside) % 2 == 0
        self._rows += int(np.count_nonzero(outside & ~np.isin(before[ends], [LF, CR])))
        new_lines = ends[~((bytes_[ends] == LF) & (before[ends] == CR))]
        if len(quotes):
            self._opened = self._lines + int(np.searchsorted(new_lines, quotes[-1]))
        self._lines += len(new_lines)
        self._inside = bool((len(quotes) + self._inside) % 2)
        self._before = int(bytes_[-1])
