"""Bytes both ways: a shard goes up and becomes a batch, the answers of an ended batch come down."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
import numpy as np
import openai
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from airflow_provider_openai_batch.batch import run as facts
from airflow_provider_openai_batch.batch.answers import ANSWER_SCHEMA, Collected, RowStatus, collect
from airflow_provider_openai_batch.batch.api import (
    Batch,
    BatchStatus,
    Created,
    Gone,
    InputFile,
    Refused,
    Unclear,
    file_is_unseen,
    queue_is_full,
)
from airflow_provider_openai_batch.batch.endpoints.base import ENDPOINTS
from airflow_provider_openai_batch.batch.lifecycle import HALF_HOUR
from airflow_provider_openai_batch.batch.output import compile_output
from airflow_provider_openai_batch.steps.attempts import is_superseded
from airflow_provider_openai_batch.steps.read import TALLY
from airflow_provider_openai_batch.store import nonce

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.run import Attempt, Send, Shard
    from airflow_provider_openai_batch.client import Client
    from airflow_provider_openai_batch.store import RunStore

log = logging.getLogger(__name__)

ABSENT = {BatchStatus.EXPIRED: RowStatus.EXPIRED, BatchStatus.CANCELLED: RowStatus.CANCELLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends: a registered attempt in the epoch of its snapshot."""

    store: RunStore
    client: Client
    attempt: Attempt
    epoch: int
    run_hash: str


def send_shard(sender: Sender, shard: Shard) -> bool:
    """Upload a shard and create its batch; False when another attempt has taken over."""
    store, client = sender.store, sender.client
    folder = f"shards/{shard.id}/sends/{len(shard.sends) + 1:04}-{nonce()}"
    with store.local(f"shards/{shard.id}/requests.jsonl") as path, open(path, "rb") as file:  # noqa: PTH123
        uploaded = client.upload(f"{shard.id}.jsonl", file)
    write_intent(sender, folder, shard, uploaded)
    if isinstance(uploaded, Refused):
        write_outcome(sender, folder, "", uploaded)
        return True
    if is_superseded(store, sender.attempt):
        store.put(f"{folder}/void-{nonce()}.json", facts.Void(at=client.now(), reason="superseded"))
        delete_quietly(client, uploaded.id)
        return False
    metadata = {
        "run": sender.run_hash,
        "shard": shard.id,
        "model": shard.about.model,
        "tokens": str(shard.about.tokens),
    }
    write_outcome(sender, folder, uploaded.id, client.create(uploaded.id, shard.about.endpoint, metadata))
    return True


def write_intent(sender: Sender, folder: str, shard: Shard, uploaded: InputFile | Refused) -> None:
    """Write down that a create is about to be called; for a refused upload, that it never will be."""
    now = sender.client.now()
    file = InputFile(id="") if isinstance(uploaded, Refused) else uploaded
    intent = facts.Intent(
        at=now,
        file_id=file.id,
        file_created_at=now if file.created_at is None else file.created_at,
        origin=sender.client.origin,
        model=shard.about.model,
        tokens=shard.about.tokens,
        attempt=sender.attempt.number,
        epoch=sender.epoch,
    )
    sender.store.put(f"{folder}/intent.json", intent)


def write_outcome(sender: Sender, folder: str, file_id: str, answer: Created | Refused | Unclear) -> None:
    """Write down what a create answered; an unclear answer leaves the intent open."""
    store, client = sender.store, sender.client
    match answer:
        case Created(batch):
            store.put(batch_name(folder, batch), batch)
            log.info("Batch %s created for shard %s.", batch.id, folder.split("/")[1])
        case Refused():
            store.put(f"{folder}/refused-{nonce()}.json", facts.Refusal(at=client.now(), answer=answer))
            log.warning("The API refused a shard: status %s, code %s.", answer.status, answer.code)
            if file_id:
                delete_quietly(client, file_id)
        case Unclear(reason):
            log.warning("A create got no clear answer (%s); it is resolved before anything else.", reason)


def batch_name(folder: str, batch: Batch) -> str:
    """Return the file name that records a batch."""
    return f"{folder}/batches/{quote(batch.id, safe='')}.json"


def delete_quietly(client: Client, file_id: str) -> None:
    """Delete a remote file; a failure only warns, for the file ends by itself."""
    try:
        client.delete(file_id)
    except openai.OpenAIError as error:
        log.warning("File %s could not be deleted (%s); it expires by itself.", file_id, type(error).__name__)


def collect_send(store: RunStore, client: Client, send: Send, batch: Batch) -> None:
    """Bring an ended batch home: its end, its raw files, its answers."""
    if send.terminal is None:
        terminal = facts.Terminal(at=client.now(), batch=batch)
        store.put(f"{send.folder}/terminal-{nonce()}.json", terminal)
        send = replace(send, terminals=(terminal,))
    nothing_ran = batch.status is BatchStatus.FAILED and not (batch.output_file_id or batch.error_file_id)
    if nothing_ran and not send.twins:
        _close_failed(store, client, send, batch)
        return
    pending = [twin for twin in send.twins if not _copy_twin(store, client, send, twin)]
    gone = not _copy_files(store, client, send, (batch, ""))
    _read_answers(store, client, send, Ended(batch=batch, gone=gone, pending=bool(pending)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An ended batch, whether a file of it is gone, and whether a batch of the same file still runs."""

    batch: Batch
    gone: bool
    pending: bool


def _copy_twin(store: RunStore, client: Client, send: Send, twin: Batch) -> bool:
    """Copy what another batch of the same file has done, for it is paid for; False while it runs."""
    seen = client.retrieve(twin.id)
    if isinstance(seen, Gone):
        return True
    if not seen.status.ended:
        return False
    if not any(terminal.batch.id == twin.id for terminal in send.terminals):
        terminal = facts.Terminal(at=client.now(), batch=seen)
        store.put(f"{send.folder}/terminal-{nonce()}.json", terminal)
    return _copy_files(store, client, send, (seen, f"-{quote(twin.id, safe='')}"))


def _copy_files(store: RunStore, client: Client, send: Send, named: tuple[Batch, str]) -> bool:
    """Copy both files of a batch; False when one is gone."""
    batch, mark = named
    found = [
        _copy(store, client, f"{send.folder}/{kind}{mark}.jsonl", file_id)
        for kind, file_id in (("output", batch.output_file_id), ("error", batch.error_file_id))
    ]
    return all(found)


def _copy(store: RunStore, client: Client, target: str, file_id: str | None) -> bool:
    """Copy a raw file; False when the API does not have it and nobody has copied it before."""
    if file_id is None or store.exists(target):
        return True
    try:
        with store.create(target) as file:
            client.download(file_id, file)
    except openai.NotFoundError:
        return store.exists(target)
    return True


def _read_answers(store: RunStore, client: Client, send: Send, ended: Ended) -> None:
    assert send.terminal is not None
    shard, ids = _about(store, send)
    endpoint = ENDPOINTS[shard.endpoint]
    found = collect(_lines(store, send), ids, endpoint, compile_output(shard.output_type))
    late = client.now() >= send.terminal.at + HALF_HOUR
    if not (late or _is_complete(found, ended)):
        store.put(f"{send.folder}/incomplete-{nonce()}.json", facts.Incomplete(at=client.now()))
        return
    absent = RowStatus.UNKNOWN if ended.gone else ABSENT.get(ended.batch.status, RowStatus.MISSING)
    rest = ids[~found.answered]
    table = pa.concat_tables([found.table, _unanswered(rest, absent)])
    write_answers(store, send, table, facts.Tally(at=client.now(), counts={}, anomalies=_anomalies(found)))


def _is_complete(found: Collected, ended: Ended) -> bool:
    """Tell whether no more lines are to be expected."""
    if ended.pending:
        return False
    if found.answered.all():
        return True
    counts = ended.batch.request_counts
    if ended.gone or counts.completed is None or counts.failed is None:
        return False
    expected = counts.completed + counts.failed
    if ended.batch.status is BatchStatus.COMPLETED and not expected:
        return False
    lines = int(found.answered.sum())
    return lines + sum(_anomalies(found).values()) >= expected


def _anomalies(found: Collected) -> dict[str, int]:
    return {name: count for name, count in found.anomalies.items() if count}


def _lines(store: RunStore, send: Send) -> Iterator[bytes]:
    names = (name for name in store.list() if name.startswith(f"{send.folder}/") and name.endswith(".jsonl"))
    for name in sorted(names, reverse=True):
        with store.open(name) as file:
            yield from file


def _about(store: RunStore, send: Send) -> tuple[facts.About, np.ndarray]:
    about = store.get(f"shards/{send.shard}/about.json", facts.About)
    with store.open(f"shards/{send.shard}/custom_ids.bin") as file:
        return about, np.frombuffer(file.read(), dtype="S16")


def _unanswered(
    ids: np.ndarray, status: RowStatus, code: str | None = None, message: str | None = None
) -> pa.Table:
    packed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), len(ids), [None, pa.py_buffer(np.ascontiguousarray(ids).tobytes())]
    )
    told = {"status": str(status), "error_code": code, "error_message": message}
    columns = [
        packed if field.name == "custom_id" else pa.array([told.get(field.name)] * len(ids), type=field.type)
        for field in ANSWER_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=ANSWER_SCHEMA)


def write_answers(store: RunStore, send: Send, table: pa.Table, tally: facts.Tally) -> None:
    """Write the answers of a send with their counts in the footer; this ends the send."""
    about = store.get(f"shards/{send.shard}/about.json", facts.About)
    counts = Counter(table["status"].to_pylist())
    counted = msgspec.structs.replace(tally, counts=dict(counts))
    batch_id = send.batch.id if send.batch else None
    table = _dated(table, tally.at if send.terminal is None else send.terminal.at)
    table = table.append_column("batch_id", pa.array([batch_id] * len(table), pa.string()))
    table = table.append_column("attempt", pa.array([about.attempt + 1] * len(table), pa.int64()))
    table = table.replace_schema_metadata({TALLY: msgspec.json.encode(counted)})
    with store.create(f"{send.folder}/answers.parquet") as file:
        pq.write_table(table, file, row_group_size=8_192, compression="zstd")
    told = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
    log.info("Batch %s collected: %s.", batch_id, told or "no answers")
    if counted.anomalies:
        log.warning("Batch %s had lines that name no request of ours: %s.", batch_id, counted.anomalies)


def _dated(table: pa.Table, ended: float) -> pa.Table:
    """Date the answers that do not say when they were made by the end of their batch."""
    place = ANSWER_SCHEMA.get_field_index("processed_at")
    when = pa.scalar(datetime.fromtimestamp(ended, tz=UTC), ANSWER_SCHEMA.field(place).type)
    return table.set_column(place, ANSWER_SCHEMA.field(place), pc.fill_null(table[place], when))


def _close_failed(store: RunStore, client: Client, send: Send, batch: Batch) -> None:
    """End a batch that failed at validation: nothing ran."""
    full = next((e for e in batch.errors if queue_is_full(e.code, e.message)), None)
    unseen = next((e for e in batch.errors if file_is_unseen(e.message)), None)
    again = full or unseen
    if again is not None:
        told = Refused(status=0, code=again.code, param=again.param, message=again.message or "")
        store.put(f"{send.folder}/refused-{nonce()}.json", facts.Refusal(at=client.now(), answer=told))
        log.warning("Batch %s did not start (%s); it is sent again later.", batch.id, again.code)
        delete_quietly(client, send.intent.file_id)
        return
    _, ids = _about(store, send)
    named = {e.line: e for e in batch.errors if e.line is not None and 1 <= e.line <= len(ids)}
    if named:
        parts = [_unanswered(ids[n - 1 : n], RowStatus.ERROR, e.code, e.message) for n, e in named.items()]
        tally = facts.Tally(at=client.now(), counts={}, counted=False)
        write_answers(store, send, pa.concat_tables(parts), tally)
        return
    why = batch.errors[0] if batch.errors else None
    code = why.code if why else "failed"
    message = why.message if why else "The batch failed without a reason."
    table = _unanswered(ids, RowStatus.ERROR, code, message)
    write_answers(store, send, table, facts.Tally(at=client.now(), counts={}))


def give_up_on(store: RunStore, client: Client, send: Send) -> None:
    """End a send whose batch the API does not know any more: what became of it is unknown."""
    _, ids = _about(store, send)
    write_answers(store, send, _unanswered(ids, RowStatus.UNKNOWN), facts.Tally(at=client.now(), counts={}))


def refuse_request(store: RunStore, client: Client, send: Send) -> None:
    """End a refused send of a single request that no file can hold."""
    _, ids = _about(store, send)
    assert send.refusal is not None
    told = send.refusal.answer
    table = _unanswered(ids, RowStatus.ERROR, told.code or str(told.status), told.message)
    write_answers(store, send, table, facts.Tally(at=client.now(), counts={}))
