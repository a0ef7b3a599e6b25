"""A create without a clear answer: its batch is adopted, or its input file revoked and the intent void."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import openai

from airflow_provider_openai_batch.batch.api.objects import Batch, Gone
from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.batch.run.future_dates import is_yet_to_come, send_as_of
from airflow_provider_openai_batch.client.sync_client import INPUT_FILE_LIFE
from airflow_provider_openai_batch.exceptions import RunUnreadable
from airflow_provider_openai_batch.steps.run_folder.journal import run_hash
from airflow_provider_openai_batch.steps.run_folder.read import known_files, read_send, recall_run
from airflow_provider_openai_batch.steps.wait.batches_of_send import listed, oldest
from airflow_provider_openai_batch.steps.wait.send_preflight import settle as settle_preflight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.run_folder.journal import Journal
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)


def resolve(journal: Journal, client: Client, send: Send) -> None:
    """Resolve a doubt: adopt the batch of the file, else revoke the file, else call it void."""
    if send.intent.preflight:
        settle_preflight(journal, client, send)
        return
    if not send.intent.file_id:  # refused, or over the cap: there is nothing that a batch could be made of
        journal.void(send, "nothing was sent")
        return
    found = _find(journal, client, send)
    for batch in found:
        journal.adopt(send, batch)
        log.info("Found batch %s of shard %s: its create got no clear answer.", batch.id, send.shard)
    for batch in found[1:]:
        _cancel_twin(client, batch)
    if found:
        return
    if send_as_of(send, client.now()).fenced_at is None:
        _require_settled(journal, client, send)
        _fence(journal, client, send)
    else:
        _require_project(journal.store, client, send)
        journal.void(send, "never created")


def _find(journal: Journal, client: Client, send: Send) -> list[Batch]:
    """Find the batches of the send's file, the first one made first.

    One that is seen is there, even if the list then fails; that there is none, only a whole list tells.
    """
    found: dict[str, Batch] = {}
    strange: list[Batch] = []
    try:
        for batch in listed(client, send):
            told = batch if batch.input_file_id else client.retrieve(batch.id)  # some lists tell but little
            if isinstance(told, Gone):
                continue
            if told.input_file_id == send.intent.file_id:
                found[told.id] = told
            else:
                strange.append(told)
    except (openai.OpenAIError, ListFailed):
        if not found:
            raise
    if not found:
        _require_files(journal, send, strange)
    return sorted(found.values(), key=lambda batch: (batch.created_at or 0.0, batch.id))


def _require_files(journal: Journal, send: Send, batches: list[Batch]) -> None:
    """Fail where a batch may be ours but does not say so: gateways show other file ids than they gave."""
    ours = {"run": run_hash(journal.store), "shard": send.shard}
    known = known_files(journal.store, send.shard) if batches else frozenset()
    for batch in batches:
        if batch.created_at is not None and batch.created_at < oldest(send):
            continue  # a page of the list shows older ones, too
        marked = ours.items() <= batch.metadata.items()
        nameless = batch.input_file_id is None and "run" not in batch.metadata
        if nameless or (marked and batch.input_file_id not in known):
            raise ListFailed(f"Batch {batch.id!r} is listed without the id of its input file.")


def _require_settled(journal: Journal, client: Client, send: Send) -> None:
    """Fail while an unclear create may still act, where it is not sure when it was called.

    Intent and file may disagree, or be of a time to come. Whoever has looked for its batch before and waited
    since knows it by his own clock.
    """
    now, times = client.now(), (send.intent.at, send.intent.file_created_at)
    if not (send.is_misdated or is_yet_to_come(send.intent.at, now)):
        return
    since = min((at for at in times if not is_yet_to_come(at, now)), default=0.0)
    looked = [at for at in recall_run(journal.store).put_off_times(send.folder) if at >= since]
    called = min([max(times), *looked])
    if now < called + Settings().settle:
        raise ListFailed(f"Shard {send.shard} may have just been sent, and no batch of it is listed yet.")


def require_origin(store: RunStore, client: Client, run: Run) -> None:
    """Stop before a run goes on at another API than the one that it was sent to."""
    epoch = run.current.submission.epoch if run.current else 0
    origins = {send.intent.origin for send in recall_run(store).sends if send.intent.epoch >= epoch}
    elsewhere = sorted(origins - {client.origin})
    if elsewhere:
        raise RunUnreadable(
            f"The run was sent to {elsewhere[0]}, but the connection points to {client.origin} now: going on "
            "would pay again. Set the host back, or clear submit to send the rows there."
        )


def _cancel_twin(client: Client, batch: Batch) -> None:
    try:
        client.cancel(batch.id)
    except openai.OpenAIError as error:
        log.warning("Batch %s could not be cancelled (%s).", batch.id, type(error).__name__)


def _fence(journal: Journal, client: Client, send: Send) -> None:
    """Revoke the input file: a create that acts later is refused by the API."""
    file_id = send.intent.file_id
    require_file(journal.store, client, send)
    if not send.fences:
        journal.fence(send, deleted=False)
    if not client.delete(file_id):  # an earlier try of ours deleted it, if this is still its project
        _require_project(journal.store, client, send)
    journal.fence(send, deleted=True)


def _require_project(store: RunStore, client: Client, send: Send) -> None:
    """Fail where a file or batch may be unseen because the key has changed, not because it is gone."""
    if client.account in {send.intent.account, ""}:
        return
    others = [one.intent.file_id for one in recall_run(store).sends if one.folder != send.folder]
    if not any(client.file_exists(file_id) for file_id in filter(None, others)):
        raise ListFailed(f"File {send.intent.file_id!r} was uploaded with another API key.")


def require_file(store: RunStore, client: Client, send: Send) -> None:
    """Stop if the API does not know a file that the run uploaded and did not delete, and that lives."""
    expired = client.now() > send.intent.at + INPUT_FILE_LIFE
    if expired or send.fences or client.file_exists(send.intent.file_id):
        return
    # Whoever deletes a file writes down first that its send is over.
    now = read_send(store, send.folder)
    if now.open and not now.fences:
        message = (
            f"The API does not know file {send.intent.file_id!r}, which this run uploaded: connection and "
            "run do not belong together. Point openai_conn_id at the project that the run was sent to."
        )
        raise RunUnreadable(message)


def require_known(store: RunStore, client: Client, sends: Iterable[Send]) -> None:
    """Stop before anything more is sent if the API does not know what the run has in flight."""
    for send in sends:
        if send.fences and client.now() <= send.intent.at + INPUT_FILE_LIFE:  # its file may be deleted by us
            _require_project(store, client, send)
        else:
            require_file(store, client, send)
