"""The batches that the API lists for a send."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.sync_client import Client

LIST_MARGIN = 60.0


def listed(client: Client, send: Send) -> Iterable[Batch]:
    """Yield the batches that were made since the send's file was."""
    return client.list_back_to(oldest(send))


def oldest(send: Send) -> float:
    """Return the API time before which no batch of the send can have been made."""
    return min(send.intent.file_created_at, send.intent.at) - LIST_MARGIN
