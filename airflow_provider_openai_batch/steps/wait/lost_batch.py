"""A batch that the API does not know: it is waited for, found in the list, or given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.steps.collect.collect import give_up_on
from airflow_provider_openai_batch.steps.wait.batches_of_send import listed
from airflow_provider_openai_batch.steps.wait.download import collect_send
from airflow_provider_openai_batch.steps.wait.downloads_ahead import DownloadsAhead
from airflow_provider_openai_batch.steps.wait.mixed_up_batches import of_the_file, replace_batch
from airflow_provider_openai_batch.steps.wait.resolve_create import require_file

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.run_folder.journal import Journal


def note_lost(journal: Journal, client: Client, send: Send) -> None:
    """Write down since when the API does not know a batch; half an hour later, the list decides."""
    require_file(journal.store, client, send)
    batch_id = "" if send.batch is None else send.batch.id
    if send.lost_since is None:
        journal.lose(send, batch_id)
        return
    batches = list(listed(client, send))
    seen = next((one for one in batches if one.id == batch_id), None)
    if seen is None and (found := of_the_file(send, batches)) is not None:
        replace_batch(journal, send, found)
    elif seen is None:
        give_up_on(journal, client, send)
    elif seen.status.ended:
        collect_send(journal, client, send, seen, DownloadsAhead(journal.store, client))
    else:
        raise ListFailed(f"Batch {seen.id!r} is listed, but its status cannot be read.")
