"""What a broken law is, and what a campaign counts: how much was tried, and how often a law was broken."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was tried, and what must stay zero."""

    schedules_simulated: int = 0
    crash_points_tried: int = 0
    fault_combinations_tried: int = 0
    runs_not_ended: int = 0  #: or ended in an error that nobody expects
    rows_lost: int = 0
    rows_duplicated_in_the_target: int = 0
    requests_executed_too_often: int = 0  #: more often than law 2 allows
    live_batches_sharing_a_request: int = 0
    remote_files_left: int = 0
    partial_reads_seen: int = 0
    secrets_found: int = 0
    sums_that_differ: int = 0  #: of the rows, the run, and the server's books
    caps_passed: int = 0
    unwanted_batches_running: int = 0
    answers_of_another_accepted: int = 0  #: about a batch of another file
    files_left_by_unclear_uploads: int = 0
    transfers_without_an_end: int = 0  #: raw files beyond their bound, and scratch files left

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            **{part.name: getattr(self, part.name) + getattr(other, part.name) for part in fields(self)}
        )


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken law: the figure that counts it, what was seen, and how often."""

    figure: str
    told: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.figure}: {self.told}"


def counted(broken: Iterable[Violation]) -> Figures:
    """Count violations by their figures."""
    return sum((Figures(**{one.figure: one.count}) for one in broken), Figures())


def named(figure: str, breaches: Iterable[str]) -> list[Violation]:
    """Make a violation of each breach."""
    return [Violation(figure, breach) for breach in breaches]


def is_tried(name: str) -> bool:
    """Tell whether a figure counts what was tried."""
    return name.endswith(("_simulated", "_tried"))
