"""What a driver's error says without the values of rows that it may quote."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError

#: Where in a statement an error is, as drivers draw it; a long line is cut, which dots show.
DRAWN = re.compile(r"^LINE (\d+): (?P<line>.*)\n(?P<before> *)\^", re.MULTILINE)
LEFT_OUT = "its text may hold row values and is not shown"


class RefusedByDatabase(InvalidRequest):
    """A database's error that a retry would meet again; `doing` says what was done when it came."""

    def __init__(self, message: str, doing: str = "") -> None:
        super().__init__(message)
        self.doing = doing


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a statement, counted from 1; no column where it is not known."""

    line: int
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An error in words that are safe to log; `lasting`: a retry would meet it again."""

    text: str
    lasting: bool
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The user's own SQL within a statement: how it is called, and how many lines are above it."""

    called: str
    above: int
    lines: int

    def where(self, place: Place | None) -> str:
        """Say where an error is in it; nothing where it is elsewhere or unknown."""
        if place is None or not 0 < place.line - self.above <= self.lines:
            return ""
        column = "" if place.column is None else f", column {place.column}"
        return f" It is in line {place.line - self.above}{column} of {self.called}."


Explain = Callable[[Exception], Failure | None]


@contextmanager
def told(doing: str, explain: Explain, written: Written | None = None) -> Iterator[None]:
    """Raise the driver's errors as ours; what `explain` does not know passes through.

    The driver's own error is not chained: its text and parameters may hold row values.

    :param written: the user's SQL, whose line is then named.
    """
    try:
        yield
    except Exception as error:
        failure = explain(error)
        if failure is None:
            raise
        where = "" if written is None else written.where(failure.place)
        text = f"{doing}: {failure.text}{where}"
        raise (RefusedByDatabase(text, doing) if failure.lasting else OpenAIBatchError(text)) from None


def dbapi(error: Exception) -> Failure | None:
    """Explain an error of a DB-API driver that is not known better."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if not names & {"DatabaseError", "InterfaceError"}:
        return None
    if names & {"DataError", "IntegrityError"}:
        return Failure(f"{type(error).__name__} ({LEFT_OUT}).", lasting=True)
    return Failure(f"{type(error).__name__}: {first_line(error)}", "ProgrammingError" in names)


def drawn(text: str) -> Place | None:
    """Find the place that an error's text draws below it."""
    found = DRAWN.search(text)
    if found is None:
        return None
    column = len(found["before"]) - len(f"LINE {found[1]}: ") + 1
    return Place(int(found[1]), None if found["line"].startswith("...") or column < 1 else column)


def first_line(error: Exception) -> str:
    """Return an error's text without what drivers add below it."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no text"
