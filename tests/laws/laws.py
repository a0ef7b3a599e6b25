"""The laws that several campaigns keep, on what any of them can read: each returns what breaks it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from tests.laws.figures import Figures

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken law: the figure that counts it, what was seen, and how often."""

    figure: str
    told: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.figure}: {self.told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How long a batch lived, and which requests it held; one that lives still has no end: infinity."""

    batch: str
    requests: frozenset[str]
    begun: float
    ended: float


def counted(broken: Iterable[Violation]) -> Figures:
    """Count violations by their figures."""
    return sum((Figures(**{one.figure: one.count}) for one in broken), Figures())


def named(figure: str, breaches: Iterable[str]) -> list[Violation]:
    """Make a violation of each breach."""
    return [Violation(figure, breach) for breach in breaches]


def sharing(lives: Iterable[Life]) -> list[Violation]:
    """No request is in two batches that live at the same time."""
    broken = []
    for one, other in combinations(sorted(lives, key=lambda life: life.begun), 2):
        shared = one.requests & other.requests
        if shared and one.ended > other.begun:
            told = f"{one.batch} and {other.batch} lived at the same time: {sorted(shared)}"
            broken.append(Violation("live_batches_sharing_a_request", told))
    return broken


def repeated(keys: Iterable[object]) -> list[Violation]:
    """No key is in the target twice."""
    return [
        Violation("rows_duplicated_in_the_target", f"row {key} is in the target {count} times")
        for key, count in Counter(keys).items()
        if count > 1
    ]


def files_left(
    files: Iterable[dict[str, Any]], ours: Collection[str], *, may_be_unknown: bool
) -> list[Violation]:
    """The server holds no file of the run.

    `may_be_unknown`: an upload may stay of which the run knows nothing, for its answer was lost; it ends by
    itself.
    """
    return [
        Violation("remote_files_left", f"file {file['id']} ({file['filename']})")
        for file in files
        if not (may_be_unknown and is_unknown_upload(file, ours))
    ]


def is_unknown_upload(file: dict[str, Any], ours: Collection[str]) -> bool:
    """Tell whether a file was uploaded, is none that the run knows, and ends by itself."""
    return file["purpose"] == "batch" and file["id"] not in ours and bool(file["expires_at"])
