"""Ask about a table in eight mapped partitions on Celery workers: `python -m tests.scale --rows 400000`.

Three runs over the same rows: on one worker, on two, and on two of which one is killed (SIGKILL) on the way.
All must end in the same table and the same ledger: each row once, and no request executed twice.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tests.scale.cluster import Books, Cluster
from tests.services.stack import lent

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE, TWO, KILLED = "one_worker", "two_workers", "one_of_two_killed"
SUBMIT = "ask.part.submit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run went."""

    run: str
    state: str
    seconds: float
    busy: dict[str, float]
    retries: int
    books: Books


def main(words: list[str]) -> int:
    """Play the three runs and print them; 1 if a promise does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("--rows", type=int, default=400_000)
    asked = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with deployed(asked.rows) as cluster:
        outcomes = played(cluster)
    for outcome in outcomes:
        print(line(outcome))
    print(f"two workers take {outcomes[1].seconds / outcomes[0].seconds:.2f} of the time of one")
    found = [broken for outcome in outcomes for broken in faults(outcome, outcomes[0], asked.rows)]
    print("\n".join(found) or "Every row is in the table once, and no request was executed twice.")
    return 1 if found else 0


@contextmanager
def deployed(rows: int) -> Iterator[Cluster]:
    """Start everything, and leave nothing behind."""
    with lent(partial(Cluster, python=sys.executable)) as cluster:
        cluster.set_up_rows(rows)
        yield cluster


def played(cluster: Cluster) -> list[Outcome]:
    """Play the runs one after the other."""
    cluster.start_worker("first")
    outcomes = [play(cluster, ONE)]
    cluster.start_worker("second")
    outcomes.append(play(cluster, TWO))
    outcomes.append(play(cluster, KILLED, kill="second"))
    return outcomes


def play(cluster: Cluster, run: str, kill: str | None = None) -> Outcome:
    """Trigger the DAG and wait for its end; kill a worker while both submit."""
    began = time.monotonic()
    cluster.trigger_run("scale", run)
    if kill:
        cluster.wait("both workers submit", lambda: cluster.running(run, SUBMIT) > 1)
        cluster.wait("a batch", lambda: cluster.batches_of(run))
        cluster.kill(kill)
    state = cluster.end_of(run)
    seconds = time.monotonic() - began
    return Outcome(
        run=run, state=state, seconds=seconds, busy=cluster.busy(run), retries=cluster.retries_of(run),
        books=cluster.books(run),
    )  # fmt: skip


def line(outcome: Outcome) -> str:
    """Write an outcome as a line."""
    busy = ", ".join(f"{task} {seconds:.0f} s" for task, seconds in sorted(outcome.busy.items()))
    books = outcome.books
    return (
        f"{outcome.run}: {outcome.state} after {outcome.seconds:.0f} s ({busy}; {outcome.retries} retries); "
        f"{books.rows:,} rows, {books.answered:,} ok, {books.executed:,} requests executed"
    )


def faults(outcome: Outcome, model: Outcome, rows: int) -> list[str]:
    """Say what does not hold."""
    books = outcome.books
    laws = {
        f"it ended as {outcome.state}": outcome.state == "success",
        f"the table has {books.rows:,} rows, {books.distinct_rows:,} of them distinct": (
            books.rows == books.distinct_rows == rows
        ),
        "the table differs from that of one worker": books.table == model.books.table,
        f"{books.executed:,} requests were executed, {books.distinct_requests:,} of them distinct": (
            books.executed == books.distinct_requests == rows
        ),
    }
    return [f"{outcome.run}: {what}" for what, holds in laws.items() if not holds]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
