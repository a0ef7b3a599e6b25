"""Answers that a server has mixed up: they stand in files, or in batches, that it showed for others."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec
import openai

from airflow_provider_openai_batch.batch.api.objects import Batch
from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.steps.run_folder.read import recall_run
from airflow_provider_openai_batch.steps.wait.batches_of_send import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.run_folder.journal import Journal

log = logging.getLogger(__name__)


def renamed_files(journal: Journal, client: Client, send: Send) -> Iterator[tuple[Send, Batch, str]]:
    """Yield the files that ended batches of the run name by now and that no end has named.

    Whoever found answers to others in its own files may have its own in one of these; each comes with the
    send and the batch that name it.
    """
    if not any(fact.strays for fact in send.incomplete):
        return
    sends = recall_run(journal.store).sends
    ends = (terminal.batch for one in sends for terminal in one.terminals)
    named = {file_id for batch in ends for file_id in _files(batch)}
    for other in sends:
        if other.folder == send.folder or other.tally is None or other.batch is None:
            continue
        shown = _shown(client, other.batch, is_urgent=client.now() <= send.patience)
        if shown is None:
            continue
        for file_id in _files(shown):
            if file_id not in named:
                named.add(file_id)
                yield other, shown, file_id


def _files(batch: Batch) -> Iterator[str]:
    yield from filter(None, (batch.output_file_id, batch.error_file_id))


def _shown(client: Client, batch: Batch, *, is_urgent: bool) -> Batch | None:
    """Look at an ended batch again; a look that fails for long is done without."""
    try:
        seen = client.retrieve(batch.id)
    except (openai.OpenAIError, msgspec.MsgspecError):
        if is_urgent:
            raise
        return None
    return seen if isinstance(seen, Batch) else None


def is_another(journal: Journal, client: Client, send: Send, batch: Batch) -> bool:
    """Tell whether another batch is that of the send, and write it down: its create showed a wrong id.

    Gateways name other input files than they were given, so only a batch of the file itself tells.
    """
    if batch.input_file_id in {None, send.intent.file_id}:
        return False
    try:
        found = of_the_file(send, listed(client, send))
    except (openai.OpenAIError, ListFailed):
        return False
    if found is not None:
        replace_batch(journal, send, found)
    return found is not None


def of_the_file(send: Send, batches: Iterable[Batch]) -> Batch | None:
    """Find a batch of the send's input file that is not known yet."""
    file_id, known = send.intent.file_id, {batch.id for batch in send.batches}
    return next((one for one in batches if one.input_file_id == file_id and one.id not in known), None)


def replace_batch(journal: Journal, send: Send, batch: Batch) -> None:
    """Write down that the batch of a send is another one than its create answered."""
    wrong = "" if send.batch is None else send.batch.id
    journal.lose(journal.adopt(send, batch), wrong, replaced_by=batch.id)
    log.warning(
        "Shard %s runs as batch %s, not as %s, which its create returned.", send.shard, batch.id, wrong
    )
