"""The preflight: one request is asked at once, so that a mistake in all of them shows in seconds."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.batch.api.objects import Refusal, Refused, Unclear
from airflow_provider_openai_batch.batch.api.redact import without_quotes
from airflow_provider_openai_batch.batch.api.sync_call import NotRun, Told
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.preflight import UNCLEAR
from airflow_provider_openai_batch.exceptions import BatchFailed
from airflow_provider_openai_batch.steps.collect.collect import read_told
from airflow_provider_openai_batch.steps.run_folder.attempts import is_superseded
from airflow_provider_openai_batch.steps.wait.transfer import send_folder, write_intent

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.run import Send, Shard
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.wait.transfer import Sender
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)

RAW = {True: "output.jsonl", False: "error.jsonl"}
BATCHED = "The preflight got no answer (%s): its request goes in a batch, like all others."


class _Line(msgspec.Struct):
    custom_id: str
    body: msgspec.Raw


def ask(sender: Sender, shard: Shard, template: object) -> bool:
    """Ask the request of a preflight's shard; False when another attempt has taken over.

    `template` is what the requests were made of: of a refusal no more than that is shown.
    """
    store, client = sender.store, sender.client
    folder = send_folder(store, shard)
    write_intent(sender, folder, shard)
    if is_superseded(store, sender.attempt):
        _void(store, client, folder, facts.SUPERSEDED)
        return False
    with store.open(f"shards/{shard.id}/requests.jsonl") as file:
        line = msgspec.json.decode(file.readline(), type=_Line)
    match client.ask(shard.about.endpoint, bytes(line.body)):
        case Told() as told:
            with store.create(f"{folder}/{RAW[told.good]}") as raw:
                raw.write(told.line(line.custom_id))
            read_told(store, client, folder)
        case Refused() as refused:
            _refuse(sender, folder, refused, without_quotes(refused.message, bytes(line.body), template))
        case NotRun(reason):
            _void(store, client, folder, reason)
            log.warning(BATCHED, reason)
        case Unclear(reason):
            _void(store, client, folder, f"{UNCLEAR}: {reason}")
            log.warning(BATCHED, reason)
    return True


def settle(store: RunStore, client: Client, send: Send) -> None:
    """End a preflight whose process did not: read its answer, or let its request go in a batch."""
    if send.is_told:
        read_told(store, client, send.folder)
        return
    _void(store, client, send.folder, UNCLEAR)
    log.warning(BATCHED, "the process that sent it died")


def _refuse(sender: Sender, folder: str, refused: Refused, shown: str | None) -> None:
    store, client = sender.store, sender.client
    fact = facts.Refusal(at=client.now(), answer=refused, shown=shown or "")
    store.put(f"{folder}/refused-{store.nonce()}.json", fact)
    log.warning("The API refused the preflight: status %s, code %s.", refused.status, refused.code)
    if refused.kind is Refusal.DENIED:
        raise BatchFailed(
            f"The API refuses the connection's key for a request that is asked at once (status "
            f"{refused.status}, code {refused.code!r}); correct the password of the connection and clear the "
            "task, or set limits['preflight'] to False if the key may send batches only. Nothing was sent."
        )


def _void(store: RunStore, client: Client, folder: str, reason: str) -> None:
    store.put(f"{folder}/void-{store.nonce()}.json", facts.Void(at=client.now(), reason=reason))
