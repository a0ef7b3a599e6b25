"""When the shards of a run were sent, and when they ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.decisions.cost_cap import was_sent
from airflow_provider_openai_batch.batch.report.report_values import SendTime, ShardTime
from airflow_provider_openai_batch.batch.text.safe_words import as_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.batch.run.send import Send

PRECISION = 1.0  # the API writes times in whole seconds


def time_shards(run: Run) -> tuple[ShardTime, ...]:
    """Return the times of all sends of a run; shards stand in the order in which they were first sent."""
    starts = sorted(snapshot.submission.at for snapshot in run.snapshots if not snapshot.submission.preview)
    timed = (_shard(shard, starts) for shard in run.shards)
    return tuple(sorted(timed, key=lambda shard: (_first(shard), shard.id)))


def _first(shard: ShardTime) -> float:
    return min((send.created_at for send in shard.sends), default=float("inf"))


def _shard(shard: Shard, starts: list[float]) -> ShardTime:
    about = shard.about
    sends = (_send(send, starts, preflight=about.preflight) for send in shard.sends)
    return ShardTime(
        id=shard.id,
        attempt=about.attempt + 1,
        parent=about.parent,
        model=about.model,
        requests=about.requests,
        sends=tuple(sorted(sends, key=lambda send: (send.created_at, send.id))),
    )


def _send(send: Send, starts: Iterable[float], *, preflight: bool) -> SendTime:
    batch, tally = send.batch, send.tally
    before = [start for start in starts if start <= send.intent.at + PRECISION]
    created_at = batch.created_at if batch and batch.created_at else send.intent.at
    return SendTime(
        id=send.id,
        status=_status(send, preflight=preflight),
        batch_id=as_id(batch.id) if batch else None,
        submitted_at=max(before, default=created_at),
        created_at=created_at,
        ended_at=_ended_at(send),
        counts=dict(tally.counts) if tally else {},
        cost_usd=tally.paid_usd if tally else None,
    )


def _status(send: Send, *, preflight: bool) -> str:
    if send.terminal is not None:
        return str(send.terminal.batch.status)
    if send.tally is not None:
        if send.batches:
            return "lost"
        if not was_sent(send) and not send.refusals:
            return "cancelled"
        return "synchronous" if preflight else "refused"
    if send.open:
        return "open"
    return "refused" if send.refusals else "void"


def _ended_at(send: Send) -> float | None:
    """Take the API's own time of the end, or when we saw it."""
    if send.terminal is not None:
        ended_at = send.terminal.batch.ended_at
        return ended_at or min(terminal.at for terminal in send.terminals)
    if send.tally is not None:
        return send.tally.at
    last = send.refusal or send.void
    return last.at if last and not send.open else None
