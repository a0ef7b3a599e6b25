"""The end of a send: its answers in one file, with a status for each request."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.answer.answer_values import counts
from airflow_provider_openai_batch.batch.answer.collect import ANSWER_SCHEMA, Collected, RowStatus
from airflow_provider_openai_batch.batch.api.objects import (
    Batch,
    BatchError,
    BatchStatus,
    Refused,
    file_is_unseen,
    queue_is_full,
)
from airflow_provider_openai_batch.batch.api.quota import quota_is_spent, without_credit
from airflow_provider_openai_batch.batch.api.status_codes import TOO_MANY
from airflow_provider_openai_batch.batch.cost.billing import bill
from airflow_provider_openai_batch.batch.decisions.cost_cap import OVER_CAP
from airflow_provider_openai_batch.batch.decisions.decide import HALF_HOUR
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.unseen_usage import book_unseen
from airflow_provider_openai_batch.batch.text.request_ids import ids_of
from airflow_provider_openai_batch.steps.collect.stray_lines import STRAY, Strays, answers_in
from airflow_provider_openai_batch.steps.run_folder.raw_lines import raw_files, raw_lines
from airflow_provider_openai_batch.steps.run_folder.read import about_shard
from airflow_provider_openai_batch.steps.run_folder.shard_files import ids_of_shard

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.run_folder.journal import Journal
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)

GONE_OFTEN = 4
NO_CREDIT = (
    "%s: %s requests did not run because the account has no credit left (insufficient_quota). They are sent "
    "again after growing pauses; no attempt is counted. Add credit, or raise the project's budget."
)
ABSENT = {BatchStatus.EXPIRED: RowStatus.EXPIRED, BatchStatus.CANCELLED: RowStatus.CANCELLED}
#: What a batch counts as failed, where its lines say so.
FAILURES = (RowStatus.FAILED, RowStatus.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An ended batch, whether a file of it is gone, and whether a batch of the same file still runs.

    `unread` tells whether a file did not come whole this time, though there may be an earlier copy of it.
    `at_hand` are the files that were just copied, by name: they are open on this disk.
    """

    batch: Batch
    gone: bool
    unread: bool
    pending: bool
    at_hand: Mapping[str, BinaryIO]


def read_answers(journal: Journal, client: Client, send: Send, ended: Ended) -> None:
    """End a send whose batch has ended, unless lines or files are still to come.

    All are here when every request has a line, or when as many lines came as the batch's `request_counts`
    name, and no more of them have failed than these say. Else the API is asked again for half an hour: a
    file may be shown before it is whole, or be another one than was asked for.
    What has no line then is `missing`, or `unknown` where a file cannot be read, or has never been shown.
    """
    ids, found = _collected(journal.store, send, ended.at_hand)
    strays = Strays(journal.store, client.origin, send)
    theirs = strays.among(found.foreign)
    if not found.answered.all():
        found = _joined(ids, found, strays.elsewhere(ids[~found.answered]))
    late = is_late(send, client.now()) and (client.now() > send.patience or not _is_to_come(send, ended))
    if not (late or _is_complete(found, ended)):
        journal.incomplete(send, strays=len(theirs))
        return
    unseen = ended.unread or _names_too_little(ended.batch) or _is_of_others(journal.store, send, found)
    absent = RowStatus.UNKNOWN if unseen else ABSENT.get(ended.batch.status, RowStatus.MISSING)
    rest = ids[~found.answered]
    homeless = strays.homeless(theirs) if len(theirs) else None
    table = _together(found.table, _unanswered(rest, absent) if len(rest) else None, homeless)
    anomalies = _anomalies(found, len(theirs))
    tally = facts.Tally(at=client.now(), counts={}, anomalies=anomalies, cleaned=found.cleaned)
    write_answers(journal, client, send, table, tally)


def _together(found: pa.Table, *others: pa.Table | None) -> pa.Table:
    """Put answers below each other, if there are others; those without values have NULL there."""
    more = [other for other in others if other is not None]
    return pa.concat_tables([found, *more], promote_options="default") if more else found


def _joined(ids: np.ndarray, found: Collected, others: list[Collected]) -> Collected:
    """Add the answers that stand in files of other sends, each request once."""
    for other in others:
        named = ids_of(other.table["custom_id"])
        new = ~np.isin(named, ids[found.answered])
        found = replace(
            found,
            table=pa.concat_tables([found.table, other.table.filter(pa.array(new))]),
            answered=found.answered | np.isin(ids, named),
            counts=found.counts + other.counts,
            cleaned=found.cleaned + other.cleaned,
        )
    return found


def end_preflight(journal: Journal, client: Client, send: Send) -> None:
    """End a preflight whose answer is in its folder, as a line of a file."""
    ids, found = _collected(journal.store, send)
    table = _together(found.table, _unanswered(ids[~found.answered], RowStatus.UNKNOWN))
    tally = facts.Tally(at=client.now(), counts={}, anomalies=_anomalies(found, 0), cleaned=found.cleaned)
    write_answers(journal, client, send, table, tally)


def _collected(
    store: RunStore, send: Send, at_hand: Mapping[str, BinaryIO] | None = None
) -> tuple[np.ndarray, Collected]:
    about, ids = about_shard(store, send.shard), ids_of_shard(store, send.shard)
    return ids, answers_in(raw_lines(store, send, at_hand), ids, about)


def _is_to_come(send: Send, ended: Ended) -> bool:
    """Tell whether the API itself says that there is more than it shows, or has said too seldom that not."""
    doubtful = ended.unread and len(send.incomplete) < GONE_OFTEN
    return ended.pending or doubtful or _names_too_little(ended.batch)


def _names_too_little(batch: Batch) -> bool:
    """Tell whether requests were answered, and no file is named that holds the answers.

    Where they are not counted, the end of the batch tells, or its tokens, if no file at all is named.
    """
    if batch.output_file_id is not None:
        return False
    completed = batch.request_counts.completed
    if completed is not None or batch.error_file_id is not None:
        return bool(completed)
    return batch.status is BatchStatus.COMPLETED or batch.tokens > 0


def _is_of_others(store: RunStore, send: Send, found: Collected) -> bool:
    """Tell whether a file of the send has no line of its own in any copy, but lines of others."""
    if found.answered.all() or not len(found.foreign):
        return False
    about, ids = about_shard(store, send.shard), ids_of_shard(store, send.shard)
    files = (answers_in(lines, ids, about) for lines in raw_files(store, send))
    return any(len(file.foreign) and not file.answered.any() for file in files)


def is_late(send: Send, now: float) -> bool:
    """Tell whether lines and files have been missing for half an hour."""
    return bool(send.incomplete) and now >= min(fact.at for fact in send.incomplete) + HALF_HOUR


def _is_complete(found: Collected, ended: Ended) -> bool:
    """Tell whether no more lines are to be expected; counts that the lines go beyond tell nothing."""
    if ended.pending or _contradicts(found, ended.batch):
        return False
    if found.answered.all():
        return True
    counts = ended.batch.request_counts
    if ended.gone or counts.completed is None or counts.failed is None:
        return False
    expected = counts.completed + counts.failed
    if ended.batch.status is BatchStatus.COMPLETED and expected < len(found.answered):
        return False
    ran = int(found.answered.sum()) - sum(found.counts[status] for status in ABSENT.values())
    return ran <= expected <= ran + found.anomalies["malformed"]


def _contradicts(found: Collected, batch: Batch) -> bool:
    """Tell whether more requests have failed in the lines than the batch counts: they may be of another file.

    Counts that do not account for every request of an ended batch say nothing.
    """
    requests, counts = len(found.answered), batch.request_counts
    if counts.completed is None or counts.failed is None:
        return False
    uncounted = requests - counts.completed - counts.failed
    if uncounted < 0 or (uncounted and batch.status is BatchStatus.COMPLETED):
        return False
    return sum(found.counts[status] for status in FAILURES) > counts.failed


def _anomalies(found: Collected, strays: int) -> dict[str, int]:
    """Count the lines that are in no row of this send; some are answers to other shards of the run."""
    foreign = max(0, found.anomalies["foreign"] - strays)
    counts = found.anomalies | {"foreign": foreign, STRAY: strays}
    return {name: count for name, count in counts.items() if count}


def _unanswered(ids: np.ndarray, status: RowStatus, why: BatchError | None = None) -> pa.Table:
    packed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), len(ids), [None, pa.py_buffer(np.ascontiguousarray(ids).tobytes())]
    )
    why = why or BatchError()
    values = {
        "status": str(status),
        "error_code": why.code,
        "error_message": why.message,
        "error_param": why.param,
    }
    columns = [
        packed
        if field.name == "custom_id"
        else pa.array([values.get(field.name)] * len(ids), type=field.type)
        for field in ANSWER_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=ANSWER_SCHEMA)


def write_answers(journal: Journal, client: Client, send: Send, table: pa.Table, tally: facts.Tally) -> None:
    """Write the answers of a send with their counts and cost in the footer; this ends the send."""
    about = about_shard(journal.store, send.shard)
    told = counts(table["status"])
    batch_id = send.batch.id if send.batch else None
    table = _dated(table, tally.at if send.terminal is None else send.terminal.at)
    table = table.append_column("batch_id", pa.repeat(pa.scalar(batch_id, pa.string()), len(table)))
    table = table.append_column("attempt", pa.repeat(pa.scalar(about.attempt + 1, pa.int64()), len(table)))
    table, unseen = book_unseen(table, send.usage, about, client.prices)
    paid = bill(table, client.prices, about.model).total
    unpaid = int(np.count_nonzero(without_credit(table)))
    counted = msgspec.structs.replace(tally, counts=told, cost_usd=paid, unpaid=unpaid, unseen=unseen)
    journal.answer(send, table, counted)
    shown = ", ".join(f"{count:,} {status}" for status, count in sorted(told.items()))
    alone = "The preflight" if send.intent.preflight else f"Shard {send.shard}"
    name = alone if batch_id is None else f"Batch {batch_id}"
    log.info("%s collected: %s.", name, shown or "no answers")
    if unpaid:
        log.warning(NO_CREDIT, name, f"{unpaid:,}")
    if unseen:
        log.warning("%s: %s.", name, unseen)
    if counted.anomalies:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in counted.anomalies.items())
        log.warning("%s has lines that are not answers to its own requests: %s.", name, kinds)


def _dated(table: pa.Table, ended: float) -> pa.Table:
    """Date the answers that do not say when they were made by the end of their batch."""
    place = ANSWER_SCHEMA.get_field_index("processed_at")
    if not table[place].null_count:
        return table
    when = pa.scalar(datetime.fromtimestamp(ended, tz=UTC), ANSWER_SCHEMA.field(place).type)
    return table.set_column(place, ANSWER_SCHEMA.field(place), pc.fill_null(table[place], when))


def close_failed(journal: Journal, client: Client, send: Send, batch: Batch) -> bool:
    """End a batch that failed at validation; True when all of it is sent again, as a new upload."""
    full = next((e for e in batch.errors if queue_is_full(e.code, e.message)), None)
    unseen = next((e for e in batch.errors if file_is_unseen(e.message)), None)
    unpaid = next((e for e in batch.errors if quota_is_spent(e.code, e.message)), None)
    again = full or unseen or unpaid
    if again is not None:
        refused = Refused(
            status=0 if unpaid is None else TOO_MANY,
            code=again.code,
            param=again.param,
            message=again.message or "",
        )
        journal.refuse(send, refused)
        log.warning("Batch %s did not start (%s); it is sent again later.", batch.id, again.code)
        return True
    ids = ids_of_shard(journal.store, send.shard)
    named = {e.line: e for e in batch.errors if e.line is not None and 1 <= e.line <= len(ids)}
    if named:
        parts = [_unanswered(ids[n - 1 : n], RowStatus.ERROR, e) for n, e in named.items()]
        tally = facts.Tally(at=client.now(), counts={}, counted=False)
        write_answers(journal, client, send, pa.concat_tables(parts), tally)
        return False
    silent = BatchError(code="failed", message="The batch failed without a reason.")
    why = batch.errors[0] if batch.errors else silent
    _end_alike(journal, client, send, _unanswered(ids, RowStatus.ERROR, why))
    return False


def cap_requests(journal: Journal, client: Client, send: Send, message: str) -> None:
    """End a send whose requests were not sent, for they would pass the cap."""
    ids = ids_of_shard(journal.store, send.shard)
    over_cap = BatchError(code=OVER_CAP, message=message)
    _end_alike(journal, client, send, _unanswered(ids, RowStatus.CANCELLED, over_cap))
    log.warning("%s requests are cancelled. %s", f"{len(ids):,}", message)


def give_up_on(journal: Journal, client: Client, send: Send) -> None:
    """End a send whose batch the API does not know any more: its outcome is unknown."""
    ids = ids_of_shard(journal.store, send.shard)
    _end_alike(journal, client, send, _unanswered(ids, RowStatus.UNKNOWN))


def refuse_request(journal: Journal, client: Client, send: Send, refused: facts.Refusal) -> None:
    """End a refused send of a single request that no file can hold."""
    ids = ids_of_shard(journal.store, send.shard)
    answer = refused.answer
    why = BatchError(code=answer.code or str(answer.status), message=answer.message, param=answer.param)
    _end_alike(journal, client, send, _unanswered(ids, RowStatus.ERROR, why))


def _end_alike(journal: Journal, client: Client, send: Send, table: pa.Table) -> None:
    """End a send of which no request has an answer: all for one reason."""
    write_answers(journal, client, send, table, facts.Tally(at=client.now(), counts={}))
