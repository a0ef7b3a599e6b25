"""What refusals mean for what is still to be sent: again soon, later, or never."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.objects import RefusalKind
from airflow_provider_openai_batch.batch.api.quota import quota_pause
from airflow_provider_openai_batch.batch.decisions.token_queue import jitter, room_at

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.decisions.remaining_requests import Queue
    from airflow_provider_openai_batch.batch.decisions.token_queue import TokenQueue
    from airflow_provider_openai_batch.batch.run import facts
    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.batch.run.send import Send

AGAIN_SOON = 15.0
AGAIN_LATER = 60.0
NOT_HELD = {RefusalKind.QUEUE_FULL, RefusalKind.DENIED}
UNSEEN_FOR = 300.0
MOST_UNSEEN = 50


def held_until(run: Run, shard: Shard, queue: TokenQueue) -> float | None:
    """Return the API time before which the shard is not sent, None when nothing holds it."""
    own = [
        _again_at(send.refusal, send.folder)
        for send in shard.sends
        if send.refusal is not None and send.refusal.answer.kind not in NOT_HELD and not send.intent.preflight
    ]
    # `Retry-After` is about the account, not about one file.
    own += [
        send.refusal.at + (send.refusal.answer.retry_after or 0.0)
        for send in run.refused
        if send.refusal is not None and send.refusal.answer.kind is not RefusalKind.QUEUE_FULL
    ]
    own += _credit_at(run, shard)
    room = room_at(run, shard, queue)
    return max(own if room is None else [*own, room], default=None)


def _credit_at(run: Run, shard: Shard) -> list[float]:
    """Say when credit is hoped for: the account had none; of a shard that met it often, later."""
    epoch = run.current.submission.epoch if run.current else 0
    times = [at for send in run.unpaid if send.intent.epoch >= epoch for at in _times_unpaid(send)]
    if not times:
        return []
    own = [at for one in run.ancestry(shard) for send in one.sends for at in _times_unpaid(send)]
    return [max(times) + quota_pause(max(1, len(own)))]


def _times_unpaid(send: Send) -> list[float]:
    if send.tally is not None and send.tally.unpaid:
        return [send.tally.at]
    return [refusal.at for refusal in send.refusals if refusal.answer.kind is RefusalKind.UNPAID]


def _again_at(refused: facts.Refusal, word: str) -> float:
    soon = refused.answer.kind is RefusalKind.UNSEEN
    pause = AGAIN_SOON if soon else AGAIN_LATER * (1 + jitter(word))
    return refused.at + max(pause, refused.answer.retry_after or 0.0)


def final_refusal(run: Run) -> str | None:
    """Return the API's words if it refused a create of the present epoch for good."""
    epoch = run.current.submission.epoch if run.current else 0
    unseen = [send for send in run.refused if send.intent.epoch >= epoch and _was_unseen(send)]
    if len(unseen) > MOST_UNSEEN and unseen[-1].refusal is not None:
        return f"{unseen[-1].refusal.answer.message} ({len(unseen)} times)"
    for send in run.refused:
        revoked = send.void is not None or bool(send.fences)  # a late create of ours may then be refused
        if (
            send.intent.epoch >= epoch
            and send.refusal is not None
            and not revoked
            and _is_final(send, send.refusal)
        ):
            answer = send.refusal.answer
            # What is said of an upload may quote its lines, which are rows.
            words = answer.message if send.intent.file_id else send.refusal.shown or f"see {send.folder}"
            said = f"{words} (status {answer.status}, code {answer.code!r}, param {answer.param!r})"
            what = "the preflight request" if send.intent.preflight else "a batch"
            return f"The API refuses {what}: {said}. Correct this and clear submit: what is answered stays."
    return None


def unsent_by_a_stop(run: Run, queue: Queue) -> str | None:
    """Say that what is left is not sent, if a person has cancelled the run."""
    if not (run.stopped and queue.left):
        return None
    return (
        "The run was cancelled by `python -m airflow_provider_openai_batch cancel`, so what is left is not "
        "sent. To go on, clear submit: what is answered stays."
    )


def _was_unseen(send: Send) -> bool:
    by_create = not (send.fences or send.intent.preflight)
    return send.refusal is not None and send.refusal.answer.kind is RefusalKind.UNSEEN and by_create


def _is_final(send: Send, refused: facts.Refusal) -> bool:
    if send.intent.preflight:
        return refused.answer.kind is not RefusalKind.DENIED
    if refused.answer.kind is RefusalKind.UNSEEN:
        at_create = send.batch is None
        return at_create and refused.at - send.intent.at > UNSEEN_FOR
    return refused.answer.kind is RefusalKind.FINAL
