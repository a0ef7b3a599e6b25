"""The answers of one send: all its lines, the best one for each request."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.answer.parse_line import Answer, Malformed, broken, parse_line
from airflow_provider_openai_batch.batch.text.lenient_json import unstorable
from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES
from airflow_provider_openai_batch.batch.text.row_status import FINAL, TRANSIENT, RowStatus
from airflow_provider_openai_batch.batch.text.seen_hashes import Hashes, as_hashes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.endpoints.reply import Endpoint
    from airflow_provider_openai_batch.batch.output.output import Output

__all__ = [
    "ANSWER_SCHEMA",
    "FINAL",
    "TRANSIENT",
    "Answer",
    "Collected",
    "Malformed",
    "RowStatus",
    "collect",
    "parse_line",
]

BLOCK, BLOCK_CHARACTERS = 4_096, 4 << 20
#: What a line that cannot be read is worth: less than one that can, more than none.
BROKEN = 1

ANSWER_SCHEMA = pa.schema([
    pa.field("custom_id", pa.binary(ID_BYTES), nullable=False),
    pa.field("status", pa.string(), nullable=False),
    ("answer", pa.string()),
    ("error_code", pa.string()),
    ("error_message", pa.string()),
    ("error_param", pa.string()),
    ("finish_reason", pa.string()),
    ("raw_output", pa.string()),
    ("model", pa.string()),
    ("input_tokens", pa.int64()),
    ("cached_tokens", pa.int64()),
    ("output_tokens", pa.int64()),
    ("reasoning_tokens", pa.int64()),
    ("processed_at", pa.timestamp("us", tz="UTC")),
])  # fmt: skip


def answer_schema(output: Output) -> pa.Schema:
    """Return the columns of answers with their values, typed for this output."""
    return ANSWER_SCHEMA if output.stored is None else ANSWER_SCHEMA.append(output.stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What the files of a send say; the table has one row for each request that was answered."""

    table: pa.Table
    answered: npt.NDArray[np.bool_]  #: aligned with the ids that were wanted
    counts: Counter[RowStatus]
    anomalies: dict[str, int]  #: lines that are in no row: `duplicate`, `foreign`, `malformed`
    foreign: Hashes  #: the names in lines that nobody wanted here
    cleaned: int  #: characters that no database takes, removed or replaced


def collect(lines: Iterable[bytes], wanted: Hashes, endpoint: Endpoint, output: Output) -> Collected:
    """Fold lines into one answer for each wanted request; no line is fatal.

    Lines come in any order, in two files, and some of them twice: of several answers to one request, `ok`
    is better than an error, and the later is better than the earlier.

    :param wanted: the ids of the requests that were sent, 16 bytes each.
    :return: a table with the columns of `answer_schema`, one row for each request that was answered, in
        the order of its lines. It is built in blocks: the lines themselves are not held.
    """
    shelf = _Shelf(wanted, output)
    for line in lines:
        if line.strip():
            shelf.cleaned += unstorable(line)
            shelf.put(parse_line(line, endpoint, output))
    return shelf.collected()


class _Shelf:
    """Holds the answers as Arrow blocks; only the best row of each request is remembered."""

    def __init__(self, wanted: Hashes, output: Output) -> None:
        self.output = output
        self.schema = answer_schema(output)
        packed = as_hashes(wanted).tobytes()
        self.places = {packed[n : n + ID_BYTES]: n // ID_BYTES for n in range(0, len(packed), ID_BYTES)}
        self.best = [-1] * len(self.places)
        self.statuses: list[RowStatus | None] = [None] * len(self.places)
        self.worths = [0] * len(self.places)
        self.anomalies = {"duplicate": 0, "foreign": 0, "malformed": 0}
        self.foreign: set[bytes] = set()
        self.cleaned = 0
        self.rows = 0
        self.block: list[Answer] = []
        self.held = 0
        self.batches: list[pa.RecordBatch] = []

    def put(self, answer: Answer | Malformed) -> None:
        if isinstance(answer, Answer):
            self.keep(answer, _worth(answer.status))
            return
        ours = [custom_id for custom_id in answer.shown if custom_id in self.places]
        for custom_id in ours:
            self.keep(broken(custom_id, answer), BROKEN)
        self.anomalies["malformed"] += not ours

    def keep(self, answer: Answer, worth: int) -> None:
        place = self.places.get(answer.custom_id)
        if place is None:
            self.anomalies["foreign"] += 1
            self.foreign.add(answer.custom_id)
            return
        if self.statuses[place] is not None:
            self.anomalies["duplicate"] += 1
            if worth < self.worths[place]:
                return
        self.statuses[place], self.worths[place] = answer.status, worth
        self.best[place] = self.rows
        self.rows += 1
        self.block.append(answer)
        self.held += len(answer.answer or answer.raw_output or "")
        if len(self.block) == BLOCK or self.held > BLOCK_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        columns = [
            pa.array([getattr(answer, field.name) for answer in self.block], type=field.type)
            for field in ANSWER_SCHEMA
        ]
        if self.output.stored is not None:
            values = self.output.typed([answer.values for answer in self.block])
            place = ANSWER_SCHEMA.get_field_index("answer")
            if not self.output.stores_text:
                columns[place] = pc.if_else(values.is_null(), columns[place], None)
            columns.append(values)
        self.batches.append(pa.RecordBatch.from_arrays(columns, schema=self.schema))
        self.block, self.held = [], 0

    def collected(self) -> Collected:
        self.flush()
        table = pa.Table.from_batches(self.batches, schema=self.schema)
        best = np.asarray(self.best, dtype=np.int64)
        rows = best[best >= 0]
        return Collected(
            table=table if len(rows) == len(table) else table.take(np.sort(rows)),
            answered=best >= 0,
            counts=Counter(status for status in self.statuses if status is not None),
            anomalies=self.anomalies,
            foreign=np.array(sorted(self.foreign - {b""}), dtype=f"S{ID_BYTES}"),
            cleaned=self.cleaned,
        )


def _worth(status: RowStatus) -> int:
    """Rank an answer among those of one request; of equals the later one wins."""
    if status is RowStatus.OK:
        return 4
    if status is RowStatus.ERROR:  # no model has answered
        return 2
    return 3 if status in FINAL else 0
