"""The answers of one send: all its lines, the best one for each request."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_provider_openai_batch.batch.answer.answer_block import ANSWER_SCHEMA, AnswerBlock, answer_schema
from airflow_provider_openai_batch.batch.answer.documented_lines import Good, read_documented
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
    "answer_schema",
    "collect",
    "parse_line",
]

BLOCK, BLOCK_CHARACTERS = 4_096, 4 << 20
#: What a line that cannot be read is worth: less than one that can, more than none.
BROKEN = 1
BEST = 4
STATUSES = tuple(RowStatus)
#: The row of a request without an answer.
NONE = -1


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
    shelf, rest = _Shelf(wanted, output), iter(lines)
    while True:
        good, line = read_documented(rest, endpoint, output)
        if good:
            shelf.put_good(good)
        elif line is None:
            return shelf.collected()
        if line and not line.isspace():
            shelf.cleaned += unstorable(line)
            shelf.put(parse_line(line, endpoint, output))


class _Shelf:
    """Holds the answers as Arrow blocks; only the best row of each request is remembered."""

    def __init__(self, wanted: Hashes, output: Output) -> None:
        self.schema = answer_schema(output)
        self.places = _Places(wanted)
        #: The row of each request's answer, what that is worth, and its status by its place in `STATUSES`.
        self.best = np.full(len(self.places), NONE, dtype=np.int64)
        self.worths = np.zeros(len(self.places), dtype=np.int8)
        self.statuses = np.zeros(len(self.places), dtype=np.int8)
        self.anomalies = {"duplicate": 0, "foreign": 0, "malformed": 0}
        self.foreign: set[bytes] = set()
        self.cleaned = 0
        self.rows = 0
        self.block = AnswerBlock(output)
        self.batches: list[pa.RecordBatch] = []

    def put(self, answer: Answer | Malformed) -> None:
        if isinstance(answer, Answer):
            self.keep(answer, _worth(answer.status))
            return
        ours = [custom_id for custom_id in answer.shown if self.places.get(custom_id) is not None]
        for custom_id in ours:
            self.keep(broken(custom_id, answer), BROKEN)
        if not ours and answer.named:
            self.anomalies["foreign"] += 1
            self.foreign.update(answer.shown)
        elif not ours:
            self.anomalies["malformed"] += 1

    def put_good(self, good: Good) -> None:
        """Keep good answers: together where each is the first of its request, as nearly always."""
        places = self.places.of(good.custom_ids)
        if places is None or (self.best[places] != NONE).any():
            for place, custom_id in enumerate(good.custom_ids):
                if self._is_best(custom_id, RowStatus.OK, BEST):
                    self._add_good(good.part(place))
            return
        self.best[places] = np.arange(self.rows, self.rows + len(places))
        self.worths[places], self.statuses[places] = BEST, STATUSES.index(RowStatus.OK)
        self.rows += len(places)
        self._add_good(good)

    def _add_good(self, good: Good) -> None:
        self.block.add_good(good)
        self._flush_when_full()

    def keep(self, answer: Answer, worth: int) -> None:
        if self._is_best(answer.custom_id, answer.status, worth):
            self.block.add(answer)
            self._flush_when_full()

    def _is_best(self, custom_id: bytes, status: RowStatus, worth: int) -> bool:
        """Remember an answer as the best of its request, which the next row of the block then is."""
        place = self.places.get(custom_id)
        if place is None:
            self.anomalies["foreign"] += 1
            self.foreign.add(custom_id)
            return False
        if self.best[place] != NONE:
            self.anomalies["duplicate"] += 1
            if worth < self.worths[place]:
                return False
        self.statuses[place], self.worths[place] = STATUSES.index(status), worth
        self.best[place] = self.rows
        self.rows += 1
        return True

    def _flush_when_full(self) -> None:
        if self.block.rows >= BLOCK or self.block.characters > BLOCK_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        self.batches.append(self.block.taken())

    def collected(self) -> Collected:
        self.flush()
        table = pa.Table.from_batches(self.batches, schema=self.schema)
        answered = self.best != NONE
        rows = self.best[answered]
        found = np.bincount(self.statuses[answered], minlength=len(STATUSES)).tolist()
        return Collected(
            table=table if len(rows) == len(table) else table.take(np.sort(rows)),
            answered=answered,
            counts=Counter({status: n for status, n in zip(STATUSES, found, strict=True) if n}),
            anomalies=self.anomalies,
            foreign=np.array(sorted(self.foreign - {b""}), dtype=f"S{ID_BYTES}"),
            cleaned=self.cleaned,
        )


class _Places:
    """Where each request stands among those that were sent; answers mostly come in the same order."""

    def __init__(self, wanted: Hashes) -> None:
        self._packed = as_hashes(wanted).tobytes()
        self._next = 0

    def __len__(self) -> int:
        return len(self._packed) // ID_BYTES

    def get(self, custom_id: bytes) -> int | None:
        """Return the place of a request; None if it was not sent."""
        return self._by_id.get(custom_id)

    def of(self, custom_ids: list[bytes]) -> npt.NDArray[np.int64] | None:
        """Return the places of requests; None if one was not sent, or is named twice."""
        start = self._next
        if self._packed.startswith(b"".join(custom_ids), start * ID_BYTES):
            self._next = start + len(custom_ids)
            return np.arange(start, self._next)
        found = list(map(self._by_id.get, custom_ids))
        if None in found or len(set(found)) < len(found):
            return None
        places = np.array(found, dtype=np.int64)
        self._next = int(places[-1]) + 1
        return places

    @cached_property
    def _by_id(self) -> dict[bytes, int]:
        packed = self._packed
        return {packed[n : n + ID_BYTES]: n // ID_BYTES for n in range(0, len(packed), ID_BYTES)}


def _worth(status: RowStatus) -> int:
    """Rank an answer among those of one request; of equals the later one wins."""
    if status is RowStatus.OK:
        return BEST
    if status is RowStatus.ERROR:  # no model has answered
        return 2
    return 3 if status in FINAL else 0
