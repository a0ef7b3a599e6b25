"""The table that a run prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.children import Usage
    from tests.servers import Postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every benchmark is given: how many rows, an empty database, and how to measure."""

    rows: int
    postgres: Postgres
    measure: Callable[..., Usage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: ours against what it is compared with, and how much of it ours may be at most."""

    what: str
    ours: str
    theirs: str
    share: float
    limit: float

    @property
    def holds(self) -> bool:
        return self.share <= self.limit


def compared(what: str, ours: Usage, theirs: Usage, limit: float) -> Line:
    """Compare the CPU of two ways to do one thing."""
    return Line(
        what=what,
        ours=f"{ours.cpu:.2f} s, {ours.peak:.0f} MB",
        theirs=f"{theirs.cpu:.2f} s, {theirs.peak:.0f} MB",
        share=ours.cpu / theirs.cpu if theirs.cpu else 0.0,
        limit=limit,
    )


def printed(lines: list[Line]) -> str:
    """Write the lines below each other."""
    rows = [("what", "ours", "compared with", "share", "at most", "")]
    rows += [
        (line.what, line.ours, line.theirs, f"{line.share:.3f}", f"{line.limit:.3f}", _verdict(line))
        for line in lines
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _verdict(line: Line) -> str:
    return "holds" if line.holds else "TOO MUCH"
