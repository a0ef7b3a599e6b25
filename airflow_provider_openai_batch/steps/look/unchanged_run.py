"""A run that is as it was at its last look is not read and decided on once more.

What a look decides on are the files of the run, what the API shows of its batches, and the time. A file never
changes, so their names say whether anything is new. Until the time that a decision gives itself, it stays the
same as long as the API shows the same.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.batch.api.objects import Batch
from airflow_provider_openai_batch.batch.decisions.actions import Wait
from airflow_provider_openai_batch.batch.decisions.progress import Progress
from airflow_provider_openai_batch.steps.look.listed_looks import FEW, is_running, oldest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_openai_batch.batch.decisions.actions import Decision
    from airflow_provider_openai_batch.batch.decisions.decision_input import Look
    from airflow_provider_openai_batch.batch.decisions.remaining_requests import Queue
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.store.run_store import RunStore

DIGEST_BYTES = 16


# A triggerer keeps thousands: the collector of reference cycles need not go through them.
class Unchanged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a look has found to wait for; it is the same as long as the digest is, in the time given.

    :param origin: the API that was asked.
    :param digest: of the names of the folder, and of what the API has shown of the batches.
    :param batches: those in flight.
    :param is_listed: whether an entry of a list may stand for a look at them, if it shows the same.
    :param oldest: the API time before which none of them was made.
    :param until: the API time from which on it is decided anew; also if the time is before `progress.at`.
    """

    origin: str
    digest: bytes
    batches: tuple[str, ...]
    is_listed: bool
    oldest: float
    until: float
    progress: Progress

    def is_at(self, now: float) -> bool:
        """Tell whether it counts at an API time."""
        return self.progress.at <= now < self.until


def names_digest(store: RunStore) -> bytes:
    """Return a digest of the names that the folder has as it is known."""
    return _digest("\n".join(sorted(store.known())).encode(errors="surrogateescape"))


def digest_of(names: bytes, shown: Iterable[Batch]) -> bytes:
    """Return a digest of the names of a folder, by their own digest, and of what is shown of batches."""
    return _digest(names + msgspec.msgpack.encode(sorted(shown, key=lambda batch: batch.id)))


def unchanged(
    run: Run, queue: Queue, looks: Mapping[str, Look], decision: Decision, progress: Progress
) -> Unchanged | None:
    """Return what to wait for, without its origin and digest; None where it is more than a few batches."""
    sends = [send for send in run.sends if send.open]
    is_simple = 0 < len(sends) <= FEW and all(_only_runs(send, queue, looks) for send in sends)
    if decision.actions or queue.left or not is_simple or not isinstance(decision.step, Wait):
        return None
    shown = running(looks)
    return Unchanged(
        origin="",
        digest=b"",
        batches=tuple(batch.id for batch in shown),
        is_listed=all(_is_listed(run, send, looks, progress.at) for send in sends),
        oldest=oldest_of(sends),
        until=min([decision.step.until, *(batch.expires_at for batch in shown if batch.expires_at)]),
        progress=progress,
    )


def running(looks: Mapping[str, Look]) -> list[Batch]:
    """Return the batches that are seen to run."""
    return [look for look in looks.values() if isinstance(look, Batch) and not look.status.ended]


def _only_runs(send: Send, queue: Queue, looks: Mapping[str, Look]) -> bool:
    """Tell whether an open send is one that somebody waits for, whose batch is seen, and has not ended."""
    look = looks.get(send.batch.id) if send.batch else None
    is_seen = isinstance(look, Batch) and not look.status.ended
    return is_seen and send.terminal is None and send.folder in queue.awaited


def _is_listed(run: Run, send: Send, looks: Mapping[str, Look], now: float) -> bool:
    look = looks.get(send.batch.id) if send.batch else None
    if not isinstance(look, Batch) or look.input_file_id != send.intent.file_id:
        return False
    return is_running(look, run.shard(send.shard).about.requests, now)


def _digest(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=DIGEST_BYTES).digest()
