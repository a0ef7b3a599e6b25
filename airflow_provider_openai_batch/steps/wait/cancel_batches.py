"""Cancel batches of a run; what they have finished is kept, and paid."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import openai

from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.steps.run_folder.journal import Journal
from airflow_provider_openai_batch.steps.run_folder.read import read_run

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)


def cancel(store: RunStore, client: Client, by: str = "on_kill") -> tuple[str, ...]:
    """Cancel every batch of the run that is still open; return the ids of those that are being cancelled.

    Raises the last error of the API once all batches were tried.
    """
    journal = Journal(store, client.now)
    failed: openai.OpenAIError | None = None
    cancelled: list[str] = []
    for send in read_run(store, client.origin).sends:
        if send.open and send.batch is not None:
            try:
                cancelled += cancel_send(journal, client, send, by)
            except openai.OpenAIError as error:  # the others are to be cancelled all the same
                failed = error
    if failed is not None:
        raise failed
    return tuple(cancelled)


def cancel_send(journal: Journal, client: Client, send: Send, by: str) -> tuple[str, ...]:
    """Cancel the batches of a send, writing down first that it is us; return their ids."""
    journal.cancel(send, by)
    for batch in send.own:
        client.cancel(batch.id)
        log.info("Batch %s of shard %s: cancel requested (%s).", batch.id, send.shard, by)
    return tuple(batch.id for batch in send.own)


def stop(store: RunStore, client: Client) -> tuple[str, ...]:
    """Cancel a run for a person: nothing more of it is sent until submit is cleared.

    A process that is sending gives way to a higher attempt, as to any other. An empty folder gets none: it
    may be a lost one, which only an empty folder shows.
    """
    journal = Journal(store, client.now)
    current = read_run(store, client.origin).current
    journal.stop(current.submission.epoch if current else 0)
    run = read_run(store, client.origin)  # who registers after this listing sees the stop
    if run.live is not None:
        journal.register(run)
    return cancel(store, client, facts.BY_COMMAND)
