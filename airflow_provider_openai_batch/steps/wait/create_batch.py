"""A shard goes out: its intent is written down, its batch created, and what the API answered recorded."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

import openai

from airflow_provider_openai_batch.batch.api.objects import Created, InputFile, RefusalKind, Refused, Unclear
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.send import WINDOW
from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.steps.collect.collect import cap_requests
from airflow_provider_openai_batch.steps.look.api_errors import denied
from airflow_provider_openai_batch.steps.run_folder.journal import run_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.batch.run.facts import Attempt
    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.run_folder.journal import Journal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends: a registered attempt in the epoch of its snapshot."""

    journal: Journal
    client: Client
    attempt: Attempt
    epoch: int
    #: The files and batches of earlier sends, none of which a new one can be; they grow with each send.
    files: set[str]
    batches: set[str]
    #: Further metadata, for people.
    labels: Mapping[str, str] = field(default_factory=dict)
    #: The batches that this sender has made, as the API showed them.
    created: list[Batch] = field(default_factory=list)
    #: How many shards are due to be sent, for the log.
    due: int = 1

    @classmethod
    def of(cls, journal: Journal, client: Client, attempt: Attempt, run: Run, due: int) -> Sender:
        """Return the sender of a run's current snapshot."""
        submission = run.current.submission if run.current else None
        return cls(
            journal=journal,
            client=client,
            attempt=attempt,
            epoch=submission.epoch if submission else 0,
            files={send.intent.file_id for send in run.sends},
            batches={batch.id for send in run.sends for batch in send.batches},
            labels=submission.labels if submission else {},
            due=due,
        )

    def gives_way(self, send: Send) -> bool:
        """Tell whether another attempt has taken over; then nothing is called for the send."""
        if not self.journal.is_superseded(self.attempt):
            return False
        self.journal.void(send, facts.SUPERSEDED)
        return True


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A create is about to be called for a file, unless the upload itself was refused."""

    file: InputFile | Refused
    #: The tokens of our live batches, where they are counted.
    enqueued: int | None = None


@dataclass(frozen=True, slots=True)
class Preflighted:
    """The request is about to be sent synchronously."""


@dataclass(frozen=True, slots=True)
class Capped:
    """Nothing will be sent: it would pass the cap."""


class Outcome(Enum):
    """What has come of a send."""

    CREATED = auto()
    #: Refused, or without a clear answer: what is to be sent next is decided again.
    UNSETTLED = auto()
    #: Another attempt has taken over: this process creates nothing any more.
    SUPERSEDED = auto()


def create_batch(sender: Sender, shard: Shard, upload: Uploaded) -> Outcome:
    """Create the batch of an uploaded shard; raises BatchFailed where the key is not accepted."""
    send = write_intent(sender, shard, upload)
    if isinstance(upload.file, Refused):
        _record(sender, shard, send, upload.file)
        return Outcome.UNSETTLED
    sender.files.add(upload.file.id)
    if sender.gives_way(send):
        delete_quietly(sender.client, upload.file.id)
        return Outcome.SUPERSEDED
    answer = sender.client.create(upload.file.id, shard.about.endpoint, _metadata(sender, shard))
    outcome = _record(sender, shard, send, answer)
    if isinstance(answer, Refused) and answer.kind is RefusalKind.DENIED:
        raise denied(answer.status, answer.code)
    return outcome


def end_over_cap(sender: Sender, shard: Shard, message: str) -> Outcome:
    """End a shard that would pass the cap by a send without a file."""
    send = write_intent(sender, shard, Capped())
    if sender.gives_way(send):
        return Outcome.SUPERSEDED
    cap_requests(sender.journal, sender.client, send, message)
    return Outcome.CREATED


def write_intent(sender: Sender, shard: Shard, upload: Uploaded | Preflighted | Capped) -> Send:
    """Write down what is about to be called for a shard, or that nothing ever will be."""
    now = sender.client.now()
    sent = upload.file if isinstance(upload, Uploaded) else None
    file = sent if isinstance(sent, InputFile) else InputFile(id="")
    intent = facts.Intent(
        at=now,
        file_id=file.id,
        file_created_at=now - WINDOW if file.created_at is None else file.created_at,
        origin=sender.client.origin,
        model=shard.about.model,
        tokens=shard.about.tokens,
        attempt=sender.attempt.number,
        epoch=sender.epoch,
        enqueued=upload.enqueued if isinstance(upload, Uploaded) else None,
        account=sender.client.account,
        preflight=isinstance(upload, Preflighted),
    )
    try:
        return sender.journal.intend(shard, intent)
    except BaseException:
        # The store may have the intent all the same: a file that is deleted now would be missed then.
        if intent.file_id:
            sender.journal.upload_unclear()
        raise


def _metadata(sender: Sender, shard: Shard) -> dict[str, str]:
    return {
        **sender.labels,
        "run": run_hash(sender.journal.store),
        "shard": shard.id,
        "model": shard.about.model,
        "tokens": str(shard.about.tokens),
    }


def _record(sender: Sender, shard: Shard, send: Send, answer: Created | Refused | Unclear) -> Outcome:
    """Write down what a create answered; an unclear answer leaves the intent open."""
    match answer:
        case Created(batch) if batch.id in sender.batches:
            log.warning("The API answered a create with batch %s, which an earlier create made.", batch.id)
        case Created(batch):
            sender.batches.add(batch.id)
            sender.created.append(batch)
            sender.journal.adopt(send, batch)
            requests = counted(shard.about.requests, "request")
            log.info("Batch %s of %s: %s, %s.", len(sender.created), sender.due, batch.id, requests)
            return Outcome.CREATED
        case Refused():
            sender.journal.refuse(send, answer)
            log.warning("The API refused a batch: status %s, code %s.", answer.status, answer.code)
            if send.intent.file_id:
                delete_quietly(sender.client, send.intent.file_id)
        case Unclear(reason):
            log.warning("A create got no clear answer (%s); it is resolved before anything else.", reason)
    return Outcome.UNSETTLED


def delete_quietly(client: Client, file_id: str) -> bool:
    """Delete a remote file; a failure only warns, for the file ends by itself. False on a failure."""
    try:
        client.delete(file_id)
    except openai.OpenAIError as error:
        log.warning("File %s could not be deleted (%s); it expires by itself.", file_id, type(error).__name__)
        return False
    return True
