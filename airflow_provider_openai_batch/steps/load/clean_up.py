"""After the commit, the API's copies of requests and answers are deleted."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.objects import Batch
from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.steps.run_folder.file_names import is_short
from airflow_provider_openai_batch.steps.run_folder.journal import Journal
from airflow_provider_openai_batch.steps.run_folder.marks import cleaned
from airflow_provider_openai_batch.steps.wait.upload import left_behind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)

#: Failures in a row after which the rest is left: each one takes all retries of the client.
ENOUGH = 3


@dataclass(slots=True, kw_only=True)
class Swept:
    """Files that were deleted, that the API does not know, and that were left there."""

    deleted: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def clean_up(store: RunStore, client: Client, run: Run) -> None:
    """Delete the remote files of ended and void sends; a failure only warns: the rows are written."""
    try:
        _clean_up(store, client, run)
    except Exception as error:  # noqa: BLE001
        log.warning("Remote files were not deleted (%s); clear load to try again.", type(error).__name__)


def remote_files(run: Run) -> Iterator[str]:
    """Name the API's files of sends that have ended."""
    for send in run.sends:
        if not send.open:
            yield from filter(None, (send.intent.file_id, *_answer_files(send)))


def _clean_up(store: RunStore, client: Client, run: Run) -> None:
    names = store.list()
    before = cleaned(store, names)
    every = [*remote_files(run), *left_behind(store, client, run, names)]
    swept = _delete(client, [file_id for file_id in dict.fromkeys(every) if file_id not in before])
    gone = swept.deleted
    if swept.unknown and (swept.deleted or _sees(client, run)):
        gone = [*gone, *swept.unknown]
    elif swept.unknown:
        # The key of another project sees none of them, so they still exist.
        log.warning(
            "This connection does not see %s files of this run, perhaps because its key belongs to another "
            "project. They were not deleted.",
            len(swept.unknown),
        )
    if swept.left:
        log.warning("%s remote files could not be deleted; clear load to try again.", len(swept.left))
    if gone:
        log.info("Deleted %s remote files of this run.", f"{len(gone):,}")
        Journal(store, client.now).clean(gone)


def _delete(client: Client, file_ids: Iterable[str]) -> Swept:
    swept = Swept()
    failures = 0
    for file_id in file_ids:
        if failures >= ENOUGH:
            swept.left.append(file_id)
            continue
        try:
            (swept.deleted if client.delete(file_id) else swept.unknown).append(file_id)
            failures = 0
        except Exception as error:  # noqa: BLE001
            log.debug("File %s could not be deleted: %s.", file_id, type(error).__name__)
            swept.left.append(file_id)
            failures += 1
    return swept


def _sees(client: Client, run: Run) -> bool:
    """Return whether this connection sees the project of the run."""
    batches = [send.batch for send in run.sends if send.batch is not None]
    return any(isinstance(client.retrieve(batch.id), Batch) for batch in batches[-ENOUGH:])


def _answer_files(send: Send) -> Iterator[str | None]:
    short = any(map(is_short, send.raw))
    if short and send.tally is not None and send.tally.counts.get(RowStatus.UNKNOWN):
        return  # an incomplete file is left for a person, until it expires
    own = {batch.id for batch in send.own}
    for terminal in (one for one in send.terminals if one.batch.id in own):
        yield from (terminal.batch.output_file_id, terminal.batch.error_file_id)
