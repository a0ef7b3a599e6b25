r"""NULL written as an escape, such as `\N`, in files that escape: readers would take the escape off first."""

from __future__ import annotations

import re

#: What stands for NULL instead: a character that Unicode keeps for programs, and that no text holds.
MARK = "\ufdd0"
MARK_BYTES = MARK.encode()


def escaped_nulls(nulls: list[str], escape: str | None) -> list[str]:
    """Return those of the texts for NULL that begin with the escape."""
    return [null for null in nulls if escape is not None and null.startswith(escape)]


class EscapedNulls:
    """Takes a file in pieces and writes `MARK` for each whole field that is NULL, outside of quotes."""

    def __init__(self, delimiter: str, quote: str | None, escape: str, nulls: list[str]) -> None:
        border = b"[" + b"".join(re.escape(sign.encode()) for sign in (delimiter, "\r", "\n")) + b"]"
        null = b"|".join(re.escape(null.encode()) for null in nulls)
        parts = [
            b"(?P<border>%b)(?:%b)(?=%b|\\Z)" % (border, null, border),
            re.escape(escape.encode()) + b"(?s:.)",
            *([] if quote is None else [b"(?P<quote>%b)" % re.escape(quote.encode())]),
        ]
        self._pattern = re.compile(b"|".join(parts))
        self._escape = escape.encode()
        self._inside = False
        self._has_quotes = quote is not None
        #: A file begins as a line does.
        self._held, self._begun = b"\n", False

    def feed(self, data: bytes, *, ended: bool) -> bytes:
        """Take the next piece; give what is decided, up to a line end."""
        data = self._held + data
        cut = len(data) if ended else self._last_line_end(data)
        self._held = data[cut:]
        made = self._pattern.sub(self._written, data[:cut])
        if made and not self._begun:
            self._begun, made = True, made[1:]
        return made

    def _last_line_end(self, data: bytes) -> int:
        place = len(data)
        while place > 0:
            place = max(data.rfind(b"\n", 0, place), data.rfind(b"\r", 0, place))
            if place <= 0 or data[place - 1 : place] != self._escape:
                break
        return max(place, 0)

    def _written(self, found: re.Match[bytes]) -> bytes:
        if self._has_quotes and found["quote"]:
            self._inside = not self._inside
        elif found["border"] and not self._inside:
            return found["border"] + MARK_BYTES
        return found[0]
