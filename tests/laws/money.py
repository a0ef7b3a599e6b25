"""The laws of money: what rows, run, and server say is the same sum, and under the cap."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.laws.figures import Violation, named

#: USD: what is less is a rounding.
LEAST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What a run cost, in USD."""

    charged: float  #: by the server
    known: float  #: of all answers that the run has read
    noted: float | None  #: of the answers of its rows; None: some of them do not say
    rows: float
    all_seen: bool  #: nothing kept an answer from being seen


def wrong_sums(sums: Sums) -> list[Violation]:
    """Rows and run never say more than the server charges, and the same where every answer was seen."""
    breaches = []
    if max(sums.rows, sums.known) > sums.charged + LEAST:
        breaches.append(
            f"the rows cost {sums.rows:.6f}, all answers {sums.known:.6f}, but the server charged "
            f"{sums.charged:.6f}"
        )
    if sums.all_seen and not math.isclose(sums.known, sums.charged, abs_tol=LEAST):
        breaches.append(f"the answers cost {sums.known:.6f}, but the server has charged {sums.charged:.6f}")
    if sums.noted is not None and not math.isclose(sums.rows, sums.noted, abs_tol=LEAST):
        breaches.append(f"the rows cost {sums.rows:.6f}, but all answers {sums.noted:.6f}")
    return named("sums_that_differ", breaches)


def over_cap(charged: float, cap: float) -> list[Violation]:
    """A run costs no more than its cap."""
    told = [f"the run cost {charged:.2f}, and its cap is {cap:.2f}"]
    return named("caps_passed", told if charged > cap + LEAST else [])
