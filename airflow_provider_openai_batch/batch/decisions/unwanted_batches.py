"""Which batches are to be stopped because their rows are not wanted any more, and which are known to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.objects import Batch, BatchStatus, Gone
from airflow_provider_openai_batch.batch.decisions.actions import CancelBatch
from airflow_provider_openai_batch.batch.run.pauses import PAUSE, growing

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.batch.run.send import Send

RUNNING = frozenset({BatchStatus.VALIDATING, BatchStatus.IN_PROGRESS, BatchStatus.FINALIZING})
#: A cancel changes something; of a batch that is finalizing, every line has run.
STOPPABLE = frozenset({BatchStatus.VALIDATING, BatchStatus.IN_PROGRESS, BatchStatus.UNKNOWN})
#: A server that does not stop its batch is asked so often.
MOST_CANCELS = 5


def runs(look: object) -> bool:
    """Return whether a look shows a batch that runs, in a word that is known."""
    return isinstance(look, Batch) and look.status in RUNNING


def may_run(look: object) -> bool:
    """Return whether a look shows a batch that a cancel would stop, or failed and shows nothing."""
    if isinstance(look, Batch):
        return look.status in STOPPABLE
    return look is not None and not isinstance(look, Gone)


def waited_for(send: Send, look: object, now: float) -> float | None:
    """Return until when a batch that has not ended is left alone; None where it is given up.

    A look that failed shows nothing: only a batch that is seen not to run after its deadline is given up.
    """
    if now <= send.deadline or not isinstance(look, Batch):
        return send.deadline
    return now + PAUSE if runs(look) else None


def cancel_if_due(send: Send, look: object, now: float) -> CancelBatch | None:
    """Return the cancel of an unwanted batch: immediately, and again as long as it runs on.

    A look that failed says nothing: then it may run, and a cancel of what has ended changes nothing.
    """
    if send.terminal is not None or not may_run(look) or len(send.cancels) >= MOST_CANCELS:
        return None
    return CancelBatch(send.folder) if now >= _due_again(send) else None


def tried_again_at(run: Run, send: Send, look: object) -> float | None:
    """Return when a failed cancel is repeated; without it the batch would run on."""
    last = max((fact.at for fact in send.cancels), default=None)
    failed = run.put_off_times(send.folder)
    has_failed = last is not None and max(failed, default=0.0) >= last
    if not has_failed or not may_run(look) or send.terminal is not None or len(send.cancels) >= MOST_CANCELS:
        return None
    return max(_due_again(send), run.rests_until(send.folder))


def _due_again(send: Send) -> float:
    last = max((fact.at for fact in send.cancels), default=0.0)
    return last + growing(len(send.cancels)) if send.cancels else 0.0
