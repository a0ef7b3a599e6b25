"""The preflight: one request is sent synchronously, so that a mistake in all of them shows in seconds."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.batch.api.hide_row_text import hide_row_text
from airflow_provider_openai_batch.batch.api.objects import RefusalKind, Refused, Unclear
from airflow_provider_openai_batch.batch.api.sync_call import NotRun, SyncAnswer
from airflow_provider_openai_batch.batch.decisions.preflight import UNCLEAR
from airflow_provider_openai_batch.exceptions import BatchFailed
from airflow_provider_openai_batch.steps.collect.collect import end_preflight
from airflow_provider_openai_batch.steps.run_folder.shard_files import first_request
from airflow_provider_openai_batch.steps.wait.create_batch import Outcome, Preflighted, write_intent

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.run import Shard
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.run_folder.journal import Journal
    from airflow_provider_openai_batch.steps.wait.create_batch import Sender

log = logging.getLogger(__name__)

RAW = {True: "output", False: "error"}
BATCHED = "The preflight got no answer (%s): its request is sent in a batch, like all others."


class _Line(msgspec.Struct):
    custom_id: str
    body: msgspec.Raw


def ask(sender: Sender, shard: Shard, template: object) -> Outcome:
    """Send the request of a preflight's shard synchronously.

    `template` is what the requests were made of: of a refusal no more than that is shown.
    """
    journal, client = sender.journal, sender.client
    send = write_intent(sender, shard, Preflighted())
    if sender.gives_way(send):
        return Outcome.SUPERSEDED
    line = msgspec.json.decode(first_request(journal.store, shard.id), type=_Line)
    match client.ask(shard.about.endpoint, bytes(line.body)):
        case SyncAnswer() as answer:
            end_preflight(journal, client, _keep(journal, send, answer, line.custom_id))
        case Refused() as refused:
            _refuse(journal, send, refused, hide_row_text(refused.message, bytes(line.body), template))
        case NotRun(reason):
            journal.void(send, reason)
            log.warning(BATCHED, reason)
        case Unclear(reason):
            journal.void(send, f"{UNCLEAR}: {reason}")
            log.warning(BATCHED, reason)
    return Outcome.UNSETTLED


def _keep(journal: Journal, send: Send, answer: SyncAnswer, custom_id: str) -> Send:
    with journal.store.draft() as draft:
        draft.file.write(answer.line(custom_id))
        return journal.keep_raw(send, draft, RAW[answer.good])


def settle(journal: Journal, client: Client, send: Send) -> None:
    """End a preflight whose process did not: read its answer, or let its request go in a batch."""
    if send.is_answered:
        end_preflight(journal, client, send)
        return
    journal.void(send, UNCLEAR)
    log.warning(BATCHED, "the process that sent it died")


def _refuse(journal: Journal, send: Send, refused: Refused, shown: str | None) -> None:
    journal.refuse(send, refused, shown or "")
    log.warning("The API refused the preflight: status %s, code %s.", refused.status, refused.code)
    if refused.kind is RefusalKind.DENIED:
        raise BatchFailed(
            f"The API refuses the connection's key for a request that is sent synchronously (status "
            f"{refused.status}, code {refused.code!r}); correct the password of the connection and clear the "
            "task, or set limits['preflight'] to False if the key may send batches only. Nothing was sent."
        )
