"""The table that is asked about, in all its versions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Version:
    """What submit is asked at a time: rows and a prompt."""

    rows: tuple[dict[str, Any], ...]
    prompt: str
    number: int = 0

    def question(self, row: dict[str, Any]) -> str:
        """Return what the model is asked about a row."""
        return self.prompt.format(**row)

    def changed_rows(self) -> Version:
        """Return the table as it is later: another order, one row gone, one changed, one new."""
        number = self.number + 1
        kept = self.rows[:0:-1]
        changed = tuple({**row, "text": f"{row['text']} v{number}"} for row in kept[:1])
        new = {"id": f"new{number}", "text": f"text of version {number}"}
        return replace(self, rows=(*kept[1:], new, *changed), number=number)

    def changed_prompt(self) -> Version:
        """Return the same rows with another prompt."""
        number = self.number + 1
        return replace(self, prompt=f"{number}: {{text}}", number=number)


def first(count: int) -> Version:
    """Make a table; from three rows on, two of them ask the same."""
    texts = [f"text {n if n != 2 else 0}" for n in range(count)]
    return Version(tuple({"id": f"row{n}", "text": text} for n, text in enumerate(texts)), "0: {text}")
