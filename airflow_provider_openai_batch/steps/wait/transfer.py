"""Bytes both ways: a shard goes up and becomes a batch, the answers of an ended batch come down."""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

import openai

from airflow_provider_openai_batch.batch.api.objects import (
    Batch,
    BatchStatus,
    Created,
    Gone,
    InputFile,
    Refusal,
    Refused,
    Unclear,
)
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.run import WINDOW
from airflow_provider_openai_batch.batch.text.lenient_json import UNREADABLE, decode_line
from airflow_provider_openai_batch.client.sync_client import CutDownload, ShortDownload, WrongAnswer
from airflow_provider_openai_batch.steps.collect.answer_size import most_bytes
from airflow_provider_openai_batch.steps.collect.collect import (
    Ended,
    cap_requests,
    close_failed,
    is_late,
    read_answers,
)
from airflow_provider_openai_batch.steps.run_folder.attempts import is_superseded
from airflow_provider_openai_batch.steps.wait.batch_list import batch_name, file_word
from airflow_provider_openai_batch.steps.wait.mixed_up import is_another, renamed_files
from airflow_provider_openai_batch.steps.wait.observe import denied

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_openai_batch.batch.run.facts import Attempt
    from airflow_provider_openai_batch.batch.run.run import Send, Shard
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.store.run_store import RunStore

SHORT_OFTEN = 4
DIGITS = 16
SHORT = "-short.jsonl"
TAIL = 1 << 16
GONE = {400, 404, 405, 410, 416, 422, 501}  # a file is not there, in the words of one server or another

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends: a registered attempt in the epoch of its snapshot."""

    store: RunStore
    client: Client
    attempt: Attempt
    epoch: int
    run_hash: str
    known: frozenset[str] = frozenset()  #: the batches of earlier sends, none of which a new one can be
    labels: Mapping[str, str] = field(default_factory=dict)  #: further metadata, for people


def create_batch(
    sender: Sender, shard: Shard, uploaded: InputFile | Refused, enqueued: int | None = None
) -> bool:
    """Create the batch of an uploaded shard; False when another attempt has taken over."""
    store, client = sender.store, sender.client
    folder = send_folder(store, shard)
    write_intent(sender, folder, shard, (uploaded, enqueued))
    if isinstance(uploaded, Refused):
        write_outcome(sender, folder, "", uploaded)
        return True
    if is_superseded(store, sender.attempt):
        store.put(f"{folder}/void-{store.nonce()}.json", facts.Void(at=client.now(), reason=facts.SUPERSEDED))
        delete_quietly(client, uploaded.id)
        return False
    metadata = {
        **sender.labels,
        "run": sender.run_hash,
        "shard": shard.id,
        "model": shard.about.model,
        "tokens": str(shard.about.tokens),
    }
    answer = client.create(uploaded.id, shard.about.endpoint, metadata)
    write_outcome(sender, folder, uploaded.id, answer)
    if isinstance(answer, Refused) and answer.kind is Refusal.DENIED:
        raise denied(answer.status, answer.code)
    return True


def send_folder(store: RunStore, shard: Shard) -> str:
    """Name the folder of the shard's next send."""
    return f"shards/{shard.id}/sends/{len(shard.sends) + 1:04}-{store.nonce()}"


def end_over_cap(sender: Sender, shard: Shard, message: str) -> bool:
    """End a shard that would pass the cap by a send without a file; False when another has taken over."""
    folder = send_folder(sender.store, shard)
    write_intent(sender, folder, shard, (None, None))
    if is_superseded(sender.store, sender.attempt):
        void = facts.Void(at=sender.client.now(), reason=facts.SUPERSEDED)
        sender.store.put(f"{folder}/void-{sender.store.nonce()}.json", void)
        return False
    cap_requests(sender.store, sender.client, folder, message)
    return True


def write_intent(
    sender: Sender,
    folder: str,
    shard: Shard,
    upload: tuple[InputFile | Refused | None, int | None] | None = None,
) -> None:
    """Write down that a create is about to be called; without a file, that it never will be.

    Without an upload it is a preflight, whose request is about to be asked.
    """
    uploaded, enqueued = upload or (None, None)
    now = sender.client.now()
    file = uploaded if isinstance(uploaded, InputFile) else InputFile(id="")
    intent = facts.Intent(
        at=now,
        file_id=file.id,
        file_created_at=now - WINDOW if file.created_at is None else file.created_at,
        origin=sender.client.origin,
        model=shard.about.model,
        tokens=shard.about.tokens,
        attempt=sender.attempt.number,
        epoch=sender.epoch,
        enqueued=enqueued,
        account=sender.client.account,
        preflight=upload is None,
    )
    sender.store.put(f"{folder}/intent.json", intent)


def write_outcome(sender: Sender, folder: str, file_id: str, answer: Created | Refused | Unclear) -> None:
    """Write down what a create answered; an unclear answer leaves the intent open."""
    store, client = sender.store, sender.client
    match answer:
        case Created(batch) if batch.id in sender.known:
            log.warning("A create was answered with batch %s of an earlier send.", batch.id)
        case Created(batch):
            store.put(batch_name(folder, batch), batch)
            log.info("Batch %s created: shard %s.", batch.id, folder.split("/")[1])
        case Refused():
            store.put(f"{folder}/refused-{store.nonce()}.json", facts.Refusal(at=client.now(), answer=answer))
            log.warning("The API refused a shard: status %s, code %s.", answer.status, answer.code)
            if file_id:
                delete_quietly(client, file_id)
        case Unclear(reason):
            log.warning("A create got no clear answer (%s); it is resolved before anything else.", reason)


def delete_quietly(client: Client, file_id: str) -> bool:
    """Delete a remote file; a failure only warns, for the file ends by itself. False on a failure."""
    try:
        client.delete(file_id)
    except openai.OpenAIError as error:
        log.warning("File %s could not be deleted (%s); it expires by itself.", file_id, type(error).__name__)
        return False
    return True


def collect_send(store: RunStore, client: Client, send: Send, batch: Batch) -> None:
    """Bring an ended batch home: its end, its raw files, its answers."""
    if send.batch is None or batch.id != send.batch.id:
        raise WrongAnswer(f"Batch {batch.id!r} is not the one that was sent for shard {send.shard}.")
    if is_another(store, client, send, batch):
        return
    send = _note_end(store, client, send, batch)
    nothing_ran = batch.status is BatchStatus.FAILED and not (batch.output_file_id or batch.error_file_id)
    if nothing_ran and not send.twins:
        if close_failed(store, client, send, batch):
            delete_quietly(client, send.intent.file_id)
        return
    try:
        ended = _copy_all(store, client, send, batch)
    except CutDownload:  # an outage passes, and the answers are paid for
        raise
    except ShortDownload as error:
        log.warning("%s", error)
        store.put(f"{send.folder}/incomplete-{store.nonce()}.json", facts.Incomplete(at=client.now()))
        return
    read_answers(store, client, send, ended)


def _note_end(store: RunStore, client: Client, send: Send, batch: Batch) -> Send:
    """Write down that a batch has ended, and again when it names files or tokens that it did not at first."""
    told = [terminal.batch for terminal in send.terminals if terminal.batch.id == batch.id]
    known = {file_id for one in told for file_id in (one.output_file_id, one.error_file_id)}
    names_files = not {batch.output_file_id, batch.error_file_id} <= known | {None}
    if told and not names_files and batch.tokens <= max(one.tokens for one in told):
        return send
    terminal = facts.Terminal(at=client.now(), batch=batch)
    store.put(f"{send.folder}/terminal-{store.nonce()}.json", terminal)
    return replace(send, terminals=(*send.terminals, terminal))


def _copy_all(store: RunStore, client: Client, send: Send, batch: Batch) -> Ended:
    pending = [twin for twin in send.twins if not _copy_twin(store, client, send, twin)]
    gone = not _copy_files(store, client, send, (batch, ""))
    for other, shown, file_id in renamed_files(store, client, send):
        _copy(store, client, send, (f"{send.folder}/output-{file_word(file_id)}.jsonl", file_id))
        _note_end(store, client, other, shown)
    return Ended(batch=batch, gone=gone, pending=bool(pending))


def _copy_twin(store: RunStore, client: Client, send: Send, twin: Batch) -> bool:
    """Copy what another batch of the same file has done, for it is paid for; False while it runs."""
    seen = client.retrieve(twin.id)
    if isinstance(seen, Gone):
        return True
    if not seen.status.ended:
        return False
    _note_end(store, client, send, seen)
    return _copy_files(store, client, send, (seen, f"-{file_word(twin.id)}"))


def _copy_files(store: RunStore, client: Client, send: Send, named: tuple[Batch, str]) -> bool:
    """Copy both files of a batch; False when one is gone."""
    batch, mark = named
    found = [
        _copy(store, client, send, (f"{send.folder}/{kind}{mark}.jsonl", file_id))
        for kind, file_id in (("output", batch.output_file_id), ("error", batch.error_file_id))
    ]
    return all(found)


def _copy(store: RunStore, client: Client, send: Send, named: tuple[str, str | None]) -> bool:
    """Copy a raw file, and again while lines are missing; False when nobody has ever had it whole.

    The first copy may show but a part of what the server is still writing.

    What has come of a file that stays too short is kept in the end, for it is paid for.
    """
    target, file_id = named
    copied = target.rsplit("/", 1)[1] in send.raw
    if file_id is None or (copied and not send.incomplete):
        return True
    with store.draft() as draft:
        try:
            client.download(file_id, draft.file, most_bytes(store, send))
            require_whole(draft.file, file_id)
        except openai.APIStatusError as error:
            if error.status_code not in GONE:
                raise
            return copied
        except ShortDownload as error:
            if isinstance(error, CutDownload) or not _stays_short(send, client.now()):
                raise
            draft.publish(target.removesuffix(".jsonl") + SHORT)  # the name stays free for a whole copy
            return copied
        draft.publish(_later_name(target, draft.file) if copied else target)
    return True


def _later_name(target: str, file: BinaryIO) -> str:
    """Name a further copy by what is in it: the file may have grown, and each copy counts."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()[:DIGITS]  # type: ignore[arg-type]  # it is a real file
    return f"{target.removesuffix('.jsonl')}-{digest}.jsonl"


def require_whole(file: BinaryIO, file_id: str) -> None:
    """Refuse a file that is cut in its last line, as of a server that writes it yet: the rest may follow."""
    end = file.seek(0, os.SEEK_END)
    tail, span = b"", TAIL
    while end and b"\n" not in tail[:-1] and len(tail) < end:
        file.seek(max(0, end - span))
        tail, span = file.read(span), span * 8
    last = tail[tail[:-1].rfind(b"\n") + 1 :]
    try:
        if last.strip() and not last.endswith(b"\n"):
            decode_line(last)
    except UNREADABLE as error:
        raise ShortDownload(f"File {file_id!r} ends in the middle of a line; retry.") from error


def _stays_short(send: Send, now: float) -> bool:
    """Tell whether a file will not get longer."""
    return is_late(send, now) and len(send.incomplete) >= SHORT_OFTEN
