"""Which runs may lose their rows and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.run.facts import Purged, attempt_order

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.facts import Landed
    from airflow_provider_openai_batch.batch.run.run import Run, Snapshot

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Keep:
    """The run keeps all its files, and why."""

    reason: str


def purge_or_keep(run: Run, now: float, days: float) -> Purged | Keep:
    """Say what is written down of a run that may be purged, or why it may not."""
    current = run.current
    if current is None or not (loads := _loads(run, current)):
        return Keep("its rows are not in the target")
    real = (snapshot for snapshot in run.snapshots if not snapshot.submission.preview)
    if max(real, key=lambda snapshot: attempt_order(snapshot.attempt)).id != current.id:
        return Keep("a later staging of its rows has not ended")
    if any(send.open and now <= send.deadline for send in run.sends):
        return Keep("a batch is in flight")
    last = max(loads, key=lambda landed: landed.at)
    touched = max(last.at, *(attempt.at for attempt in run.attempts)) if run.attempts else last.at
    if now - touched < days * DAY:
        return Keep(f"younger than {days:g} days")
    return Purged(
        at=now,
        snapshot=current.id,
        landed_at=last.at,
        rows=last.rows,
        requests=current.done.requests,
        counts=last.counts,
    )


def _loads(run: Run, current: Snapshot) -> list[Landed]:
    return [landed for landed in run.landed if landed.snapshot == current.id]
