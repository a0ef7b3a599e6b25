"""Which batches are to be stopped, for nobody wants what they hold, and which are known to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api import Batch, BatchStatus
from airflow_provider_openai_batch.batch.run import PAUSE, growing

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run import Send

RUNNING = frozenset({BatchStatus.VALIDATING, BatchStatus.IN_PROGRESS, BatchStatus.FINALIZING})
#: A cancel changes something; of a batch that is finalizing, every line has run.
STOPPABLE = frozenset({BatchStatus.VALIDATING, BatchStatus.IN_PROGRESS, BatchStatus.UNKNOWN})
#: A server that does not stop its batch is asked so often.
MOST_CANCELS = 5


@dataclass(frozen=True, slots=True)
class CancelBatch:
    """Nobody wants what a batch holds any more: stop it, and keep what it has done."""

    send: str


def runs(look: object) -> bool:
    """Tell whether a look shows a batch that runs, in a word that is known."""
    return isinstance(look, Batch) and look.status in RUNNING


def waited_for(send: Send, look: object, now: float) -> float | None:
    """Return until when a batch that has not ended is left alone; None where it is given up.

    A look that failed shows nothing: only a batch that is seen not to run after its deadline is given up.
    """
    if now <= send.deadline or not isinstance(look, Batch):
        return send.deadline
    return now + PAUSE if runs(look) else None


def cancel_if_due(send: Send, look: object, now: float) -> CancelBatch | None:
    """Return the cancel of a batch that nobody wants: at once, and again as long as it runs on."""
    if not (isinstance(look, Batch) and look.status in STOPPABLE and len(send.cancels) < MOST_CANCELS):
        return None
    last = max((fact.at for fact in send.cancels), default=None)
    is_due = last is None or now >= last + growing(len(send.cancels))
    return CancelBatch(send.folder) if is_due else None
