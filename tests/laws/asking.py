"""One request in one batch: what any harness reads from its server's books."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Outcome(StrEnum):
    """What became of a request in a batch, as far as the run could read it."""

    NOT_RUN = "not run"
    GOOD = "good"
    INVALID = "invalid"  #: the answer does not fit the output type
    FAILED = "failed"  #: for good
    PASSING = "passing"  #: a failure that another try may not meet
    UNSEEN = "unseen"  #: it was executed, and its answer was not there to be read


FINAL = frozenset({Outcome.GOOD, Outcome.INVALID, Outcome.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One request in one batch, or in a synchronous call."""

    request: str
    batch: str
    begun: float
    ended: float  #: infinity: it lives still
    outcome: Outcome
    synchronous: bool = False
    ran: bool = True  #: the batch began to run

    @property
    def executed(self) -> bool:
        """Tell whether it was run, and is paid for."""
        return self.outcome is not Outcome.NOT_RUN


def by(name: str, askings: Iterable[Asking]) -> dict[str, list[Asking]]:
    """Sort by request, or by batch, in order of time."""
    found: dict[str, list[Asking]] = defaultdict(list)
    for asking in sorted(askings, key=lambda one: one.begun):
        found[getattr(asking, name)].append(asking)
    return found
