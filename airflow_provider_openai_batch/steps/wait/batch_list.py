"""The batches that the API lists for a send, and the names under which they are recorded."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.batch.run.run import Send
    from airflow_provider_openai_batch.client.sync_client import Client

LIST_MARGIN = 60.0
LONGEST_WORD = 120


def listed(client: Client, send: Send) -> Iterable[Batch]:
    """Yield the batches that were made since the send's file was."""
    return client.list_back_to(oldest(send))


def oldest(send: Send) -> float:
    """Return the API time before which no batch of the send can have been made."""
    return min(send.intent.file_created_at, send.intent.at) - LIST_MARGIN


def batch_name(folder: str, batch: Batch) -> str:
    """Return the file name that records a batch."""
    return f"{folder}/batches/{file_word(batch.id)}.json"


def file_word(word: str) -> str:
    """Return a word of the API's as a part of a file name, whatever is in it and however long it is."""
    quoted = quote(word, safe="")
    return quoted if len(quoted) <= LONGEST_WORD else hashlib.sha256(word.encode()).hexdigest()
