"""Decide what a run needs next; pure, so that anybody may ask at any time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api import Batch, Gone, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_openai_batch.batch.queue import Left, Queue
    from airflow_provider_openai_batch.batch.run import Run, Send, Shard

HALF_HOUR = 1_800.0
AGAIN_SOON = 15.0
AGAIN_LATER = 60.0
QUEUE_WAIT = 300.0
UNSEEN_FOR = 300.0
MOST_UNSEEN = 50
REFUSED_OFTEN = 3
REFUSED_LONG = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Times in seconds of API time; `settle` is how long an unclear create may still act."""

    settle: float = 600.0


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A look that failed; it says nothing about the batch."""

    reason: str


Look = Batch | Gone | Unreachable


@dataclass(frozen=True, slots=True)
class Collect:
    """The batch has ended: write its end down, copy its files, read the answers."""

    send: str
    batch: Batch


@dataclass(frozen=True, slots=True)
class Resolve:
    """Nobody knows whether a create acted: look for its batch, fence, or void."""

    send: str


@dataclass(frozen=True, slots=True)
class NoteLost:
    """The API does not know a batch: write down since when, and look in the list."""

    send: str


@dataclass(frozen=True, slots=True)
class MakeChild:
    """Put what is left of a shard into a shard of its own."""

    left: Left


@dataclass(frozen=True, slots=True)
class Split:
    """The API takes this shard in parts only; a single request becomes an error."""

    shard: str


@dataclass(frozen=True, slots=True)
class SendShard:
    """Upload the shard and create its batch."""

    shard: str


Action = Collect | Resolve | NoteLost | MakeChild | Split | SendShard


@dataclass(frozen=True, slots=True)
class Wait:
    """Something is in flight or held back; `until` is when something is due without an answer."""

    until: float


@dataclass(frozen=True, slots=True)
class Finish:
    """Every request has its final answer, or is not waited for any more."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The API refuses the run until somebody changes something."""

    error: str


@dataclass(frozen=True, slots=True)
class Due:
    """There is something to do that needs a worker."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, and what to say once nothing more can be done."""

    actions: tuple[Action, ...]
    step: Wait | Finish | GiveUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the API showed, when, and the settings that apply."""

    looks: Mapping[str, Look]
    now: float
    settings: Settings = Settings()


def decide(run: Run, queue: Queue, moment: Moment) -> Plan:
    """Return what can be done now; `looks` has the last look at the batch of each open send."""
    actions: list[Action] = []
    times: list[float] = []
    for send in run.sends:
        need = _attend(send, moment) if send.open else None
        if isinstance(need, Action):
            actions.append(need)
        if need is not None and send.folder in queue.awaited and not _is_hopeless(send, moment):
            times.append(need if isinstance(need, float) else moment.now)
    refused = _final_refusal(run)
    if refused is not None:
        return Plan(tuple(actions), GiveUp(refused))
    for left in queue.left:
        task = _dispatch(run, left, moment)
        if isinstance(task, float):
            times.append(task)
        else:
            actions.append(task)
            times.append(moment.now)
    return Plan(tuple(actions), Wait(min(times)) if times else Finish())


def _is_hopeless(send: Send, moment: Moment) -> bool:
    """Tell whether a doubt is so old that it is still looked up, but not waited for."""
    return send.batch is None and moment.now > send.deadline


def _attend(send: Send, moment: Moment) -> Action | float | None:
    """Say what an open send needs: an action now, a time to wait for, or nothing any more."""
    if send.batch is None:
        return _doubt(send, moment)
    look = moment.looks.get(send.batch.id)
    if isinstance(look, Batch) and look.status.ended:
        return _ended(send, look, moment)
    if send.terminal is not None:
        return _ended(send, send.terminal.batch, moment)
    if isinstance(look, Gone):
        return _lost(send, moment)
    late = moment.now > send.deadline and look is not None and not isinstance(look, Unreachable)
    return None if late else send.deadline


def _ended(send: Send, batch: Batch, moment: Moment) -> Action | float:
    """Collect at once, again when a file turns up, and for the last time half an hour after the end."""
    named = {"output.jsonl": batch.output_file_id, "error.jsonl": batch.error_file_id}
    turned_up = any(file_id and name not in send.raw for name, file_id in named.items())
    if not send.incomplete:
        return Collect(send.folder, batch)
    last = max(fact.at for fact in send.incomplete)
    pause = min(AGAIN_LATER * 2.0 ** (len(send.incomplete) - 1), HALF_HOUR / 2)
    due = last + pause if turned_up else max(last + pause, min(f.at for f in send.incomplete) + HALF_HOUR)
    return Collect(send.folder, batch) if moment.now >= due else due


def _doubt(send: Send, moment: Moment) -> Action | float | None:
    since = send.intent.at if send.fenced_at is None else send.fenced_at
    due = since + moment.settings.settle
    return Resolve(send.folder) if moment.now >= due else due


def _lost(send: Send, moment: Moment) -> Action | float | None:
    if send.lost_since is None:
        return NoteLost(send.folder)
    due = send.lost_since + HALF_HOUR
    return NoteLost(send.folder) if moment.now >= due else due


def _dispatch(run: Run, left: Left, moment: Moment) -> Action | float:
    if not left.whole:
        return MakeChild(left)
    shard = run.shard(left.shard)
    refusals = [send.refusal for send in shard.sends if send.refusal is not None]
    kinds = [refusal.answer.kind for refusal in refusals]
    if Refusal.TOO_LARGE in kinds or _never_fits(run, shard):
        return Split(shard.id)
    due = _held_until(run, shard)
    return SendShard(shard.id) if due is None or moment.now >= due else due


def _never_fits(run: Run, shard: Shard) -> bool:
    """Tell whether the token queue refused a shard although nothing of ours was in it."""
    times = sorted(
        send.refusal.at
        for send in shard.sends
        if send.refusal is not None and send.refusal.answer.kind is Refusal.QUEUE_FULL
    )
    alone = not any(send.open and send.batch is not None for send in run.sends)
    return alone and len(times) >= REFUSED_OFTEN and times[-1] - times[0] >= REFUSED_LONG


def _held_until(run: Run, shard: Shard) -> float | None:
    """Return the API time before which the shard is not sent, None when nothing holds it."""
    own = [
        _again_at(send)
        for send in shard.sends
        if send.refusal is not None and send.refusal.answer.kind is not Refusal.QUEUE_FULL
    ]
    room = max((s.terminal.at for s in run.sends if s.terminal is not None), default=0.0)
    full = [
        _room_at(send, shard)
        for send in run.sends
        if _queue_was_full(send, shard.about.model) and send.refusal is not None and send.refusal.at >= room
    ]
    return max(own + full, default=None)


def _queue_was_full(send: Send, model: str) -> bool:
    refusal = send.refusal
    return refusal is not None and refusal.answer.kind is Refusal.QUEUE_FULL and send.intent.model == model


def _again_at(send: Send) -> float:
    assert send.refusal is not None
    soon = send.refusal.answer.kind is Refusal.UNSEEN
    pause = AGAIN_SOON if soon else AGAIN_LATER * (1 + _jitter(send.folder))
    return send.refusal.at + max(pause, send.refusal.answer.retry_after or 0.0)


def _room_at(send: Send, shard: Shard) -> float:
    """Wait for room with jitter, shorter the longer the shard has waited."""
    assert send.refusal is not None
    age = max(0.0, send.refusal.at - shard.about.at)
    pause = QUEUE_WAIT / (1 + age / REFUSED_LONG) * (0.5 + _jitter(send.folder + shard.id))
    return send.refusal.at + max(pause, send.refusal.answer.retry_after or 0.0)


def _jitter(word: str) -> float:
    """Return a number in [0, 1) that is the same for everybody who asks."""
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:4]) / 2**32


def _final_refusal(run: Run) -> str | None:
    """Return the API's words if it refused a create of the present epoch for good."""
    epoch = run.current.asked.epoch if run.current else 0
    unseen = [send for send in run.sends if send.intent.epoch >= epoch and _was_unseen(send)]
    if len(unseen) > MOST_UNSEEN and unseen[-1].refusal is not None:
        return f"{unseen[-1].refusal.answer.message} ({len(unseen)} times)"
    for send in run.sends:
        revoked = send.void is not None or bool(send.fences)  # a late create of ours may then be refused
        if send.intent.epoch >= epoch and send.refusal is not None and not revoked and _is_final(send):
            told = send.refusal.answer
            return f"{told.message} (status {told.status}, code {told.code!r}, param {told.param!r})"
    return None


def _was_unseen(send: Send) -> bool:
    return send.refusal is not None and send.refusal.answer.kind is Refusal.UNSEEN and not send.fences


def _is_final(send: Send) -> bool:
    assert send.refusal is not None
    if send.refusal.answer.kind is Refusal.UNSEEN:
        at_create = send.batch is None
        return at_create and send.refusal.at - send.intent.file_created_at > UNSEEN_FOR
    return send.refusal.answer.kind is Refusal.FINAL
