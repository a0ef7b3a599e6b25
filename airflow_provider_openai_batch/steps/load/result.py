"""The rows of a snapshot with their answers, batch by batch, in the columns of the target."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from airflow_provider_openai_batch.batch.answer.answer_values import as_invalid, one_array, typed, values_of
from airflow_provider_openai_batch.batch.answer.best_answer import Index, best_answers, rank_answers
from airflow_provider_openai_batch.batch.answer.collect import ANSWER_SCHEMA
from airflow_provider_openai_batch.batch.cost.billing import READ
from airflow_provider_openai_batch.batch.endpoints.known_endpoints import endpoint_of, output_of
from airflow_provider_openai_batch.batch.output.column_limits import Bytes, Characters, Charset
from airflow_provider_openai_batch.batch.output.output import OUTPUT
from airflow_provider_openai_batch.batch.output.result_schema import FIXED
from airflow_provider_openai_batch.batch.text.digests import hexadecimal
from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES, ids_of
from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.steps.load.row_costs import Payments, add_up
from airflow_provider_openai_batch.steps.run_folder.file_names import answer_files, is_rejected
from airflow_provider_openai_batch.steps.run_folder.snapshot_file import (
    FIRST,
    INPUT_HASH,
    failed_before,
    request_ids,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_openai_batch.batch.cost.prices import Prices
    from airflow_provider_openai_batch.batch.output.column_limits import Bounds
    from airflow_provider_openai_batch.batch.output.output import Output
    from airflow_provider_openai_batch.batch.run.facts import Submission
    from airflow_provider_openai_batch.batch.run.run import Run, Snapshot
    from airflow_provider_openai_batch.store.run_store import RunStore

#: The most that is held in memory: embeddings are large.
CACHED_FILES, CACHED_BYTES = 4, 96 << 20
#: A file of at most this size stays when rows do not need it: it may be of a later attempt at some of them.
SMALL_BYTES = 1 << 20
COLUMNS = pa.schema([*ANSWER_SCHEMA, pa.field("batch_id", pa.string()), pa.field("attempt", pa.int64())])
TOKENS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
NO_ANSWER = -1
BYTES_OF_A_CHARACTER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerIndex:
    """Where the answers of all files stand: the position of an answer counts through all of them."""

    #: The position of the first answer of each file.
    starts: np.ndarray
    #: The best answer of each request.
    best: Index
    #: The positions of answers that a better one replaces.
    replaced: np.ndarray


class Answers:
    """All answers of a run, indexed by request; a few files of them are held in memory."""

    def __init__(self, store: RunStore, run: Run, snapshot: Snapshot, prices: Prices) -> None:
        self._store = store
        asked = snapshot.submission
        self.output = output_of(endpoint_of(asked.endpoint), asked.request, asked.output_type)
        self._schema = COLUMNS.append(pa.field(OUTPUT, self.output.kind))
        self._files = answer_files(run, snapshot)
        self._cache: OrderedDict[int, pa.Table] = OrderedDict()
        self._index = self._read_index()
        model = str(asked.request.get("model"))
        self.payments = Payments(prices, model, add_up(self._replaced(), prices, model))

    def of(self, ids: np.ndarray) -> pa.Table:
        """Return `COLUMNS` and the typed values for each id, with status `unknown` if there is no answer."""
        positions, starts = self._index.best.find(ids), self._index.starts
        files = np.where(positions < 0, NO_ANSWER, np.searchsorted(starts, positions, side="right") - 1)
        parts, order = [], []
        for number in np.unique(files).tolist():
            places = np.flatnonzero(files == number)
            order.append(places)
            if number == NO_ANSWER:
                parts.append(_unknown(len(places), self._schema))
            else:
                parts.append(self._table(number).take(pa.array(positions[places] - starts[number])))
        self._leave(files)
        if len(parts) == 1:
            return parts[0].combine_chunks()
        back = np.argsort(np.concatenate(order), kind="stable")
        return pa.concat_tables(parts).take(pa.array(back)).combine_chunks()

    def _replaced(self) -> Iterator[pa.Table]:
        """Yield the columns for the cost of the answers that a better one replaces, file by file."""
        positions, starts = self._index.replaced, self._index.starts
        files = np.searchsorted(starts, positions, side="right") - 1
        for number in np.unique(files).tolist():
            with self._store.open(self._files[number]) as file:
                table = pq.read_table(file, columns=["custom_id", *READ], pre_buffer=False)
            yield table.take(pa.array(positions[files == number] - starts[number]))

    def _read_index(self) -> AnswerIndex:
        ids, ranks, starts, count = [], [], [], 0
        for name in self._files:
            columns = ["custom_id", "status"] + ([] if is_rejected(name) else ["attempt"])
            with self._store.open(name) as file:
                table = pq.read_table(file, columns=columns, pre_buffer=False)
            attempt = table["attempt"][0].as_py() if "attempt" in columns and len(table) else 0
            ids.append(ids_of(table["custom_id"]))
            ranks.append(rank_answers(table["status"], attempt))
            starts.append(count)
            count += len(table)
        best = best_answers(np.concatenate(ids), np.concatenate(ranks))
        replaced = np.ones(count, dtype=bool)
        replaced[best.positions] = False
        return AnswerIndex(starts=np.array(starts), best=best, replaced=np.flatnonzero(replaced))

    def _table(self, number: int) -> pa.Table:
        if number not in self._cache:
            with self._store.open(self._files[number]) as file:
                stored = pq.ParquetFile(file, pre_buffer=False)
                self._make_room(_size(stored))
                self._cache[number] = _aligned(typed(stored.read(), self.output), self._schema)
        self._cache.move_to_end(number)
        return self._cache[number]

    def _leave(self, used: np.ndarray) -> None:
        """Drop large files that the last rows did not need: shards are cut in the order of the rows."""
        for number in [number for number in self._cache if number not in used]:
            if self._cache[number].nbytes > SMALL_BYTES:
                del self._cache[number]

    def _make_room(self, size: int) -> None:
        """Drop the least recently used files before another one of this size is read."""
        while self._cache and (
            len(self._cache) >= CACHED_FILES
            or sum(table.nbytes for table in self._cache.values()) + size > CACHED_BYTES
        ):
            self._cache.popitem(last=False)


def _size(stored: pq.ParquetFile) -> int:
    """Return how many bytes a file holds, uncompressed."""
    metadata = stored.metadata
    return sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups))


def _aligned(table: pa.Table, schema: pa.Schema) -> pa.Table:
    missing = pa.nulls
    columns = [
        table[name] if name in table.column_names else missing(len(table), kind)
        for name, kind in zip(schema.names, schema.types, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _unknown(count: int, schema: pa.Schema) -> pa.Table:
    columns = [
        pa.repeat(pa.scalar(str(RowStatus.UNKNOWN)), count)
        if name == "status"
        else pa.repeat(pa.scalar(bytes(ID_BYTES), kind), count)
        if name == "custom_id"
        else pa.nulls(count, kind)
        for name, kind in zip(schema.names, schema.types, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The columns of the result, and what each can store."""

    output: Output
    schema: pa.Schema
    #: How many characters a fixed column can store, by role.
    room: Mapping[str, int]
    #: The character sets of columns with an incomplete one, by role.
    charsets: Mapping[str, Charset]


def shape_of(output: Output, schema: pa.Schema, bounds: Bounds) -> Shape:
    """Limit the outputs and the fixed columns, which end the schema, to what the target can store."""
    start, end = len(schema) - len(FIXED) - len(output.columns), len(schema) - len(FIXED)
    room, charsets = {}, {}
    for (role, _), name in zip(FIXED, schema.names[end:], strict=True):
        bound = bounds.get(name)
        if isinstance(bound, Charset):
            charsets[role], bound = bound, bound.within
        match bound:
            case Characters(most):
                room[role] = most
            case Bytes(most):
                room[role] = most // BYTES_OF_A_CHARACTER
    within = output.within([bounds.get(name) for name in schema.names[start:end]])
    return Shape(output=within, schema=schema, room=room, charsets=charsets)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultBatch:
    """Rows of the target, and what the counts are made of."""

    #: Key, carried, output, and `batch_` columns, as the target has them.
    rows: pa.RecordBatch
    #: The answers of the rows, in `COLUMNS`.
    answers: pa.Table
    #: Which rows had failed in another run before.
    failed_before: pa.BooleanArray


def result_batch(rows: pa.RecordBatch, answers: Answers, submission: Submission, shape: Shape) -> ResultBatch:
    """Return the result of stored rows.

    :param rows: rows of the snapshot: key, carried columns, and the ids of their requests.
    """
    ids = request_ids(rows)
    found = answers.of(ids)
    found, outputs = _outputs(found, shape.output)
    kept = rows.columns[: len(submission.key) + len(submission.carry)]
    cost = answers.payments.book(ids, rows[FIRST], found)
    fixed = _fixed(rows, found, submission) | {"cost_usd": cost}
    fitted = (
        _cut(_replaced(fixed[role], shape.charsets.get(role)), shape.room.get(role)) for role, _ in FIXED
    )
    result = pa.RecordBatch.from_arrays([*kept, *outputs, *fitted], schema=shape.schema)
    return ResultBatch(rows=result, answers=found, failed_before=failed_before(rows))


def _outputs(found: pa.Table, output: Output) -> tuple[pa.Table, Sequence[pa.Array]]:
    """Return the columns of answers; one that the target does not take becomes `invalid`."""
    arrays = values_of(found)
    refused = output.refused(arrays)
    if refused:
        found = as_invalid(found, refused, output.texts(found))
        arrays = values_of(found)
    return found, arrays


def _replaced(column: pa.Array, charset: Charset | None) -> pa.Array:
    """Replace characters that a column cannot store with question marks: no server text stops a load."""
    if charset is None or not pa.types.is_string(column.type):
        return column
    texts = column.to_pylist()
    return pa.array([None if text is None else charset.replaced(text) for text in texts], pa.string())


def _cut(column: pa.Array, room: int | None) -> pa.Array:
    """Cut server texts to what a column can store."""
    return column if room is None else pc.utf8_slice_codeunits(column, 0, room)


def _fixed(batch: pa.RecordBatch, found: pa.Table, submission: Submission) -> dict[str, pa.Array]:
    count = batch.num_rows
    taken = {name: one_array(found[name]) for name, _ in FIXED if name in COLUMNS.names}
    booked = {name: _booked(taken[name], batch[FIRST]) for name in TOKENS}
    at = pa.scalar(datetime.fromtimestamp(submission.at, tz=UTC), pa.timestamp("us", tz="UTC"))
    same = {
        "prompt_version": pa.repeat(pa.scalar(submission.prompt_version), count),
        "run_id": pa.repeat(pa.scalar(submission.run_id), count),
        "snapshot_at": pa.repeat(at, count),
    }
    ids = request_ids(batch).view(np.uint8).reshape(-1, ID_BYTES)
    own = {"custom_id": hexadecimal(ids), "input_hash": batch[INPUT_HASH], "id": one_array(found["batch_id"])}
    return taken | booked | same | own


def _booked(tokens: pa.Array, first: pa.Array) -> pa.Array:
    """Book tokens on the first of several rows that share a request; 0 on the others."""
    zero = pc.if_else(pc.is_valid(tokens), 0, None)
    return pc.if_else(first, tokens, pc.cast(zero, pa.int64()))
