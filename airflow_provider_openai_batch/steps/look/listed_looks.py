"""One list instead of many looks: which of its entries say as much as a look at the batch itself.

A list may lag, and show a batch as it was. So an entry counts only for the batch and the file that were
asked about; an end only where nothing is left to be shown; and of the batches that it shows as running, each
is looked at itself now and then, and always once it should have ended.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.objects import BatchStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.batch.run.send import Send

#: So few batches are looked at one by one.
FEW = 5
#: Of so many batches that would be looked at, one page of the list is read: it takes much longer.
LOOKS_FOR_A_PAGE = 20
#: One of so many looks is taken although the list shows the batch as running.
SELDOM = 12
MARGIN, MINUTE = 60.0, 60.0
RUNNING = frozenset({BatchStatus.VALIDATING, BatchStatus.IN_PROGRESS, BatchStatus.CANCELLING})


def pages_for(sends: Sequence[Send]) -> int:
    """Return how many pages of the list are worth reading for these batches; none for a few."""
    return pages_for_looks(len(sends))


def pages_for_looks(count: int) -> int:
    """Return how many pages of the list are worth reading instead of so many looks; none for a few."""
    return 0 if count <= FEW else max(1, count // LOOKS_FOR_A_PAGE)


def oldest_of(sends: Sequence[Send]) -> float:
    """Return the API time before which none of these batches was made."""
    return min(min(send.intent.file_created_at, send.intent.at) for send in sends) - MARGIN


def says_enough(send: Send, entry: Batch, requests: int, now: float) -> bool:
    """Tell whether an entry of the list may stand for a look at the batch of a send.

    :param requests: how many were sent.
    """
    if send.batch is None or entry.id != send.batch.id or entry.input_file_id != send.intent.file_id:
        return False
    if send.terminal is not None:  # what is missing yet, the batch itself tells
        return False
    counts = entry.request_counts
    done = (counts.completed or 0) + (counts.failed or 0)
    if entry.status is BatchStatus.COMPLETED:
        has_files = bool(entry.output_file_id) or not counts.completed
        has_files = has_files and (bool(entry.error_file_id) or not counts.failed)
        return done == requests and has_files and entry.usage is not None
    return is_running(entry, requests, now) and not has_its_turn(entry.id, now)


def is_running(entry: Batch, requests: int, now: float) -> bool:
    """Tell whether an entry shows a batch of so many requests that runs, and should."""
    counts = entry.request_counts
    is_over = (counts.completed or 0) + (counts.failed or 0) >= requests
    is_over = is_over or (entry.expires_at is not None and now >= entry.expires_at)
    return entry.status in RUNNING and not is_over


def has_its_turn(batch_id: str, now: float) -> bool:
    """Tell whether a batch is looked at itself although the list shows that it runs."""
    return zlib.crc32(f"{batch_id} {now // MINUTE:.0f}".encode()) % SELDOM == 0
