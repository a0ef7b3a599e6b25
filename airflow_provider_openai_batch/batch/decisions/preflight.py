"""Whether one request is sent synchronously before anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.objects import RefusalKind
from airflow_provider_openai_batch.batch.decisions.remaining_requests import Whole
from airflow_provider_openai_batch.batch.run.facts import SUPERSEDED

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.decisions.remaining_requests import Queue
    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.batch.run.send import Send

#: From so many new requests on, where nothing else is asked.
WORTH_IT = 1_000
UNCLEAR = "unclear"  #: how the reason of a void begins whose request may have run


def least_requests(wish: bool | None, *, is_usual: bool) -> int | None:
    """Return from how many new requests on one is sent synchronously; None: never.

    :param wish: `limits["preflight"]`.
    :param is_usual: what the endpoint takes for granted.
    """
    if wish is None:
        return WORTH_IT if is_usual else None
    return 1 if wish else None


def is_ahead(run: Run, queue: Queue) -> bool:
    """Return whether nothing is sent yet, because a preflight has no outcome."""
    if any(send.open and _is_asking(send) and send.folder in queue.awaited for send in run.sends):
        return True
    return any(isinstance(left, Whole) and is_to_ask(run, run.shard(left.shard)) for left in queue.left)


def is_to_ask(run: Run, shard: Shard) -> bool:
    """Return whether the shard's request is to be sent synchronously: once in an epoch, with any outcome."""
    if not shard.about.preflight or run.current is None or not run.current.submission.preflight:
        return False
    epoch = run.current.submission.epoch
    return all(_was_not_asked(send) for send in shard.sends if send.intent.epoch >= epoch)


def may_have_run(send: Send) -> bool:
    """Return whether the outcome of a preflight is unknown."""
    return send.intent.preflight and send.void is not None and send.void.reason.startswith(UNCLEAR)


def _is_asking(send: Send) -> bool:
    return send.intent.preflight and send.batch is None


def _was_not_asked(send: Send) -> bool:
    if send.refusal is not None:
        return send.refusal.answer.kind is RefusalKind.DENIED
    return send.void is not None and send.void.reason == SUPERSEDED
