"""What a benchmark finds: a line with what must be reached, what is the goal, and what was seen."""

from __future__ import annotations

import math
import re
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.children import ChildFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.children import Usage
    from tests.servers import Postgres

HEAD = ("what", "ours", "compared with", "seen", "rounds", "must", "goal", "")
#: What was not measured is not reached.
NOT_MEASURED = math.nan
#: Paths and addresses of this machine, and how long a shown error is at most.
LOCAL, MOST_SHOWN = (
    re.compile(r"(?:file:|https?:)?(?:/[^\s'\",:()]+)+|\b127\.0\.0\.1(?::\d+)?|localhost:\d+"),
    160,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every benchmark is given: how many rows, an empty database, and how to measure."""

    rows: int
    postgres: Postgres
    measure: Callable[..., Usage]
    #: How often what is compared is measured, each in turn.
    rounds: int = 3
    #: Everything in five minutes: fewer rows, and figures that are less sure.
    quick: bool = False
    #: The Python that has the peers; empty where they could not be installed.
    peers: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: ours, what it is compared with, the figure that was seen, and which it must be at most."""

    what: str
    ours: str
    theirs: str = ""
    #: The figure that was seen: a share of theirs, times theirs, or an amount of `unit`.
    share: float
    limit: float
    goal: float | None = None
    #: More is better: `limit` and `goal` are what must be reached at least.
    at_least: bool = False
    unit: str = ""
    #: The least and the most of all rounds.
    between: tuple[float, float] | None = None
    #: It was measured on few rows, in few rounds.
    quick: bool = False
    #: It is no line of ours, but what no code can leave out: what is best possible.
    is_least: bool = False

    @property
    def holds(self) -> bool:
        return self.is_least or self._reaches(self.limit)

    @property
    def verdict(self) -> str:
        """Say in a word what is reached."""
        if math.isnan(self.share):
            return "NOT MEASURED"
        if self.is_least:
            return "the limit"
        if not self.holds:
            return "NOT REACHED"
        return "goal" if self.goal is not None and self._reaches(self.goal) else "holds"

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the line as the table shows it."""
        sign = "≥" if self.at_least else "≤"
        rounds = "" if self.between is None else " to ".join(map(_figure, self.between))
        goal = "" if self.goal is None else f"{sign} {self._amount(self.goal)}"
        seen = "" if math.isnan(self.share) else self._amount(self.share)
        must = "" if math.isnan(self.limit) else f"{sign} {self._amount(self.limit)}"
        verdict = f"{self.verdict} (quick)" if self.quick else self.verdict
        return (self.what, self.ours, self.theirs, seen, rounds, must, goal, verdict)

    def _reaches(self, figure: float) -> bool:
        return self.share >= figure if self.at_least else self.share <= figure

    def _amount(self, figure: float) -> str:
        return f"{_figure(figure)} {self.unit}".rstrip()


def compared(what: str, ours: list[Usage], theirs: list[Usage], limit: float) -> Line:
    """Compare the CPU of two ways to do one thing, measured in turn; the median of the rounds is seen."""
    shares = [one.cpu / other.cpu if other.cpu else 0.0 for one, other in zip(ours, theirs, strict=True)]
    return Line(
        what=what,
        ours=_least(ours),
        theirs=_least(theirs),
        share=statistics.median(shares),
        between=(min(shares), max(shares)),
        limit=limit,
    )


def missing(what: str, why: str, limit: float, goal: float | None = None, *, at_least: bool = False) -> Line:
    """Return the line of what could not be measured."""
    return Line(what=what, ours="", theirs=why, share=NOT_MEASURED, limit=limit, goal=goal, at_least=at_least)


def failed(name: str, error: BaseException) -> Line:
    """Return the line of a benchmark that has ended with an error."""
    return missing(f"benchmark {name}", failure(error), NOT_MEASURED)


def failure(error: BaseException) -> str:
    """Say in one short line what has failed, without the paths and addresses of this machine."""
    said = str(error).strip() or "no message"
    if not isinstance(error, ChildFailed):
        said = f"{type(error).__name__}: {said}"
    shown = LOCAL.sub("...", said.splitlines()[0])
    return shown if len(shown) <= MOST_SHOWN else f"{shown[: MOST_SHOWN - 3]}..."


def of_rounds(found: list[float]) -> tuple[float, tuple[float, float]]:
    """Return the median of all rounds, and the least and the most."""
    return statistics.median(found), (min(found), max(found))


def printed(lines: list[Line]) -> str:
    """Write the lines below each other."""
    rows = [HEAD, *(line.cells for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _least(used: list[Usage]) -> str:
    """Show what the round with the least CPU has used."""
    least = min(used, key=lambda one: one.cpu)
    return f"{least.cpu:.2f} s, {least.peak:.0f} MB"


def _figure(figure: float) -> str:
    """Write three digits, and thousands apart."""
    if figure == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(figure))))
    return f"{figure:,.{min(decimals, 3)}f}"
