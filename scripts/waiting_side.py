"""Simulate how runs wait: `python -m scripts.waiting_side` prints what 100,000 live batches ask for.

Each run looks as its trigger does: after `poke_interval`, then at pauses that grow to `max_wait` and vary by
a tenth. A triggerer is one event loop: it works off the looks that are due one after the other. The costs of
a look were measured on two shared cores; give your own with --run-ms, --batch-ms, and --run-kb.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import sys
from collections import Counter
from dataclasses import dataclass, replace

#: As in the trigger (tests/packaging/test_waiting_side.py compares them).
GROWTH, JITTER = 1.5, 0.1
SEED = 1
#: Batches that a page of the API's list has.
PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a look costs a triggerer, and what a waiting run keeps in its memory."""

    #: CPU of a look: of the run, and of each of its batches in flight.
    run_ms: float = 0.9
    batch_ms: float = 2.2
    run_kb: float = 5.0

    def seconds(self, batches: int) -> float:
        """Return the CPU seconds of a look at a run of so many batches."""
        return (self.run_ms + self.batch_ms * batches) / 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Runs that wait, and how often they look."""

    runs: int
    batches: int
    triggerers: int
    first: float = 30.0
    longest: float = 300.0
    #: How many seconds are simulated; the runs began up to `age` seconds before.
    window: float = 1_800.0
    age: float = 3_600.0
    cost: Cost = Cost()

    @property
    def live(self) -> int:
        """All batches in flight."""
        return self.runs * self.batches


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was asked of the API and of each triggerer."""

    calls_a_second: float
    most_calls: int
    #: The share of its core that the busiest triggerer uses.
    busy: float
    #: Seconds for which a look waits for its turn: half of them, and 99 of 100.
    median_late: float
    late: float
    mb: float


def pauses(first: float, longest: float) -> list[float]:
    """Return the pauses between looks until they grow no more."""
    found = [first]
    while found[-1] < longest:
        found.append(min(found[-1] * GROWTH, longest))
    return found


def simulate(waiting: Waiting) -> Seen:
    """Let the runs of the fullest triggerer look for the window, and scale its calls to all."""
    chance = random.Random(SEED)  # noqa: S311
    own = math.ceil(waiting.runs / waiting.triggerers)
    grown = pauses(waiting.first, waiting.longest)
    due = [_next_look(grown, chance, waiting.age) for _ in range(own)]
    heapq.heapify(due)
    service = waiting.cost.seconds(waiting.batches)
    free, work, late, calls = 0.0, 0.0, [], Counter[int]()
    while due[0][0] < waiting.window:
        at, step = due[0]
        begun = max(at, free)
        free = begun + service
        late.append(begun - at)
        work += service
        calls[int(begun)] += waiting.batches
        step = min(step + 1, len(grown) - 1)
        heapq.heapreplace(due, (free + grown[step] * chance.uniform(1 - JITTER, 1 + JITTER), step))
    late.sort()
    return Seen(
        calls_a_second=sum(calls.values()) / waiting.window * waiting.runs / own,
        most_calls=max(calls.values()) * waiting.triggerers,
        busy=work / waiting.window,
        median_late=late[len(late) // 2],
        late=late[len(late) * 99 // 100],
        mb=own * waiting.cost.run_kb / 1_000,
    )


def _next_look(grown: list[float], chance: random.Random, age: float) -> tuple[float, int]:
    """Return when a run that began at some time before looks next, and which of its pauses that ends."""
    at, step = -chance.uniform(0, age), 0
    while at < 0:
        at += grown[step] * chance.uniform(1 - JITTER, 1 + JITTER)
        step = min(step + 1, len(grown) - 1)
    return at, step


def cases(live: int, cost: Cost) -> list[Waiting]:
    """Return the ways in which so many batches may be in flight."""
    one = Waiting(runs=live, batches=1, triggerers=10, cost=cost)
    return [
        replace(one, triggerers=100),
        one,
        replace(one, triggerers=4),
        replace(one, triggerers=4, longest=900.0),
        replace(one, runs=live // 10, batches=10, triggerers=4),
        replace(one, runs=live // 100, batches=100, triggerers=4),
        replace(one, runs=live // 100, batches=100, triggerers=4, age=60.0),
    ]


def table(waiting: list[Waiting]) -> str:
    """Print the cases, a line each."""
    head = (
        "runs", "batches each", "began within", "triggerers", "max_wait",
        "calls/s", "most in 1 s", "core", "late", "late 99%", "MB",
    )  # fmt: skip
    lines = [head]
    for case in waiting:
        seen = simulate(case)
        lines.append((
            f"{case.runs:,}", str(case.batches), f"{case.age:.0f} s", str(case.triggerers),
            f"{case.longest:.0f} s",
            f"{seen.calls_a_second:.0f}", f"{seen.most_calls:,}", f"{seen.busy:.0%}",
            f"{seen.median_late:.1f} s", f"{seen.late:.1f} s", f"{seen.mb:.0f}",
        ))  # fmt: skip
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], ("---",) * len(head), *lines[1:]])


def main(words: list[str]) -> int:
    """Print the table, and what one list of the account's batches would take instead."""
    known = Cost()
    parser = argparse.ArgumentParser(prog="python -m scripts.waiting_side", description=__doc__)
    parser.add_argument("--live", type=int, default=100_000, help="batches in flight (%(default)s)")
    for name in ("run_ms", "batch_ms", "run_kb"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=getattr(known, name))
    asked = parser.parse_args(words)
    cost = Cost(run_ms=asked.run_ms, batch_ms=asked.batch_ms, run_kb=asked.run_kb)
    print(table(cases(asked.live, cost)))
    pages = math.ceil(asked.live / PAGE)
    print(
        f"\nThe whole list of {asked.live:,} batches is {pages:,} calls: {pages / 300:.1f} a second at 300 s."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
