"""What a column of the target takes of an answer: what it does not take is data, and stops no load."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: What is not a bracket of JSON: its texts, and all between them.
BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[^"\[\]{}]+', re.DOTALL)
#: What a text is written in where its column does not say otherwise.
UTF_8 = "utf-8"


@dataclass(frozen=True, slots=True)
class Characters:
    """A text of so many characters."""

    most: int

    def refuses(self, value: str) -> str | None:
        """Say what is wrong with a value, without showing it."""
        return f"is longer than the {self.most} characters of its column" if len(value) > self.most else None


@dataclass(frozen=True, slots=True)
class Bytes:
    """A text of so many bytes of UTF-8."""

    most: int

    def refuses(self, value: str) -> str | None:
        """Say what is wrong with a value, without showing it."""
        return self.refuses_size(max(len(value), len(value.encode())))

    def refuses_size(self, size: int) -> str | None:
        """Say the same of a text of so many bytes."""
        return f"is longer than the {self.most} bytes of its column" if size > self.most else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charset:
    """A text of the characters that a character set has, within another bound or not."""

    name: str
    codec: str
    #: The last character of all that it has, where its codec has more.
    last: str = "\U0010ffff"
    within: Characters | Bytes | None = None

    def refuses(self, value: str) -> str | None:
        """Say what is wrong with a value, without showing it."""
        if self.lacks(value):
            return f"holds a character that its column's character set {self.name} lacks"
        if isinstance(self.within, Bytes) and self.codec != UTF_8:
            return self.within.refuses_size(len(value.encode(self.codec)))
        return None if self.within is None else self.within.refuses(value)

    def lacks(self, value: str) -> bool:
        """Return whether a text holds a character that there is none of."""
        try:
            value.encode(self.codec)
        except UnicodeEncodeError:
            return True
        return max(value, default="") > self.last

    def replaced(self, value: str) -> str:
        """Put a question mark for each character that there is none of."""
        return "".join("?" if self.lacks(one) else one for one in value) if self.lacks(value) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """A text of JSON that is nested so deeply at most, within another bound or not."""

    most: int
    within: Characters | Bytes | Charset | None = None

    def refuses(self, value: str) -> str | None:
        """Say what is wrong with a value, without showing it."""
        if self.exceeded(value):
            return f"is nested deeper than the {self.most} levels of its column"
        return None if self.within is None else self.within.refuses(value)

    def exceeded(self, value: str) -> bool:
        """Return whether a text goes deeper; few have as many brackets at all."""
        if value.count("[") + value.count("{") <= self.most:
            return False
        brackets = BRACKETS.sub("", value)
        depth = deepest = 0
        for sign in brackets:
            depth += 1 if sign in "[{" else -1
            deepest = max(deepest, depth)
        return deepest > self.most


@dataclass(frozen=True, slots=True)
class Words:
    """One of the words of an enum."""

    words: frozenset[str]

    def refuses(self, value: str) -> str | None:
        """Say what is wrong with a value, without showing it."""
        return None if value in self.words else "is not a word of its column's enum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A number, or a moment, between two others, both included."""

    least: Any
    most: Any
    #: What is nearer to zero is refused, but not zero itself.
    smallest: float = 0.0

    def refuses(self, value: Any) -> str | None:
        """Say what is wrong with a value, without showing it."""
        fits = self.least <= value <= self.most
        if fits and self.smallest:
            fits = value == 0 or abs(value) >= self.smallest
        return None if fits else "is outside of its column's range"


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list: of so many items, each within a bound, NULL among them or not."""

    count: int | None = None
    each: Bound | None = None
    nulls: bool = True

    def refuses(self, value: list[Any]) -> str | None:
        """Say what is wrong with a value, without showing it."""
        if self.count is not None and len(value) != self.count:
            return f"has {len(value)} items, its column {self.count}"
        if not self.nulls and None in value:
            return "holds null, which its column does not take"
        each = self.each
        reasons = (each.refuses(item) for item in value if item is not None) if each else iter(())
        reason = next((reason for reason in reasons if reason), None)
        return None if reason is None else f"holds a value that {reason}"


Bound = Characters | Bytes | Charset | Depth | Words | Range | Items
#: The bounds of columns, by the target's names; a column that takes everything is not there.
Bounds = Mapping[str, Bound]
