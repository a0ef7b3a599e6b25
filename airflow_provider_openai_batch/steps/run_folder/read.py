"""The run folder becomes a value: every file is a fact, and the facts are the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.decisions.remaining_requests import Queue, queue
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.run import unlisted
from airflow_provider_openai_batch.exceptions import InvalidRequest, RunUnlisted
from airflow_provider_openai_batch.steps.run_folder.file_names import shard_file
from airflow_provider_openai_batch.steps.run_folder.folded_run import FoldedRun, check_format, read_sends
from airflow_provider_openai_batch.steps.run_folder.shard_files import ABOUT
from airflow_provider_openai_batch.steps.run_folder.stored_requests import StoredRequests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.run.run import CompleteSnapshot, Run
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.store.run_store import RunStore


def read_run(store: RunStore, origin: str | None = None) -> Run:
    """Read the folder; sends to another API origin than the one given are left out.

    Each file is read once per store object, for no file changes. Costs one listing.

    Raises RunUnreadable for a file that is damaged or of a newer version, and for a folder that lacks a
    part.
    """
    store.list()
    return recall_run(store, origin)


def recall_run(store: RunStore, origin: str | None = None) -> Run:
    """Give the run as this process knows it: as it was read last, with what was written since.

    Costs what was written since, however large the run is.
    """
    return store.keep_up(f"run at {origin}", lambda: FoldedRun(store, origin)).run


def known_files(store: RunStore, shard_id: str) -> frozenset[str]:
    """Return the input files that intents name: those of a shard as they are now, others as they are known.

    Costs a listing of the sends of the shard.
    """
    sends = read_sends(store, store.list(shard_file(shard_id, "sends/")))
    return file_ids([*recall_run(store).sends, *sends])


def file_ids(sends: Iterable[Send]) -> frozenset[str]:
    """Return the input files that the intents of sends name."""
    return frozenset(send.intent.file_id for send in sends)


def read_send(store: RunStore, folder: str) -> Send:
    """Read a send as it is now. Costs a listing of what is in its folder."""
    sends = read_sends(store, store.list(f"{folder}/"))
    if not sends:
        raise unlisted(f"{folder}/intent.json")
    return sends[0]


def current_of(store: RunStore, run: Run) -> CompleteSnapshot:
    """Return the snapshot that is sent and landed; raises where there is none."""
    if run.current is not None:
        return run.current
    if any(snapshot.submission.preview for snapshot in run.snapshots):
        raise InvalidRequest(f"The run {store.uri!r} was only previewed: clear submit without the preview.")
    raise RunUnlisted(
        f"The run folder {store.uri!r} shows no complete snapshot (yet). If the store lists new files late, "
        "a retry finds it; else clear submit to stage the rows."
    )


def read_queue(store: RunStore, run: Run) -> Queue:
    """Work out what is left to send, reading sets of requests only where they are needed.

    A set of requests takes 16 bytes for each in memory.
    """
    return queue(run, StoredRequests(store, run))


def about_shard(store: RunStore, shard_id: str) -> facts.About:
    """Return what a shard holds."""
    name = shard_file(shard_id, ABOUT)
    return check_format(name, store.get(name, facts.About))
