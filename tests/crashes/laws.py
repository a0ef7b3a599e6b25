"""What must hold after a kill and a retry: the laws, and what breaks them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.laws.laws import Life, Violation, files_left, is_unknown_upload, repeated

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.crashes.databases import Row

#: Columns that are the same in every run over the same rows; batches, times, and lines that expired differ.
SAME = (
    "id", "label", "batch_status", "batch_error_code", "batch_custom_id", "batch_input_hash",
    "batch_prompt_version", "batch_run_id", "batch_input_tokens", "batch_output_tokens",
)  # fmt: skip
ENDS = ("completed_at", "failed_at", "expired_at", "cancelled_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What the server did for one run: its batches, executions, and the files that it still holds."""

    batches: list[dict[str, Any]]
    executions: Counter[str]  #: of each question
    at_once: Counter[str]  #: what of it was no part of a batch
    files: list[dict[str, Any]]

    def lives(self, requests: dict[str, list[str]]) -> list[Life]:
        """Return the lives of the batches; `requests` names those of each shard."""
        return [
            Life(
                batch=batch["id"],
                requests=frozenset(requests.get((batch["metadata"] or {}).get("shard", ""), ())),
                begun=batch["created_at"],
                ended=_end(batch),
            )
            for batch in self.batches
        ]


def same(rows: list[Row] | None) -> list[tuple[Any, ...]]:
    """Reduce rows to what each run over the same source gives."""
    return [tuple(row.get(name) for name in SAME) for row in rows or []]


def check_rows(rows: list[Row] | None, expected: list[Row]) -> list[Violation]:
    """Compare the target with that of a run without a kill."""
    found, wanted = Counter(same(rows)), Counter(same(expected))
    twice = repeated((row["id"], row.get("batch_run_id")) for row in rows or [])
    broken = [*twice]
    if lost := wanted - found:
        told = f"rows are missing or differ: {sorted(lost, key=str)}"
        broken.append(Violation("rows_lost", told, lost.total()))
    if not twice and (extra := found - wanted):
        told = f"rows that nobody asked for: {sorted(extra, key=str)}"
        broken.append(Violation("rows_lost", told, extra.total()))
    return broken


def check_reader(rows: list[Row] | None, old: list[Row] | None, expected: list[Row]) -> list[Violation]:
    """A reader sees the old table or the whole new one."""
    if rows == old or (rows is not None and same(rows) == same(expected)):
        return []
    seen = [row[:3] for row in same(rows)]
    return [Violation("partial_reads_seen", f"a reader sees neither table: {seen}")]


def check_bill(bill: Bill, expected: Bill, again: int = 0) -> list[Violation]:
    """The bill is that of a run without a kill; what is asked at once may have run `again` times more.

    Who dies while the rows are staged leaves one that is asked at once beside that of the retry.
    """
    more, less = bill.executions - expected.executions, expected.executions - bill.executions
    if more.total() <= again and more.keys() <= bill.at_once.keys() | expected.at_once.keys():
        more = Counter()
    broken = []
    if more:
        broken.append(Violation("requests_executed_too_often", f"executed again: {dict(more)}", more.total()))
    if less:
        broken.append(Violation("rows_lost", f"never executed: {dict(less)}", less.total()))
    return broken


def check_files(bill: Bill, intended: Collection[str]) -> list[Violation]:
    """The server holds no file of the run; an upload that the dead told nobody of ends by itself."""
    broken = files_left(bill.files, intended, may_be_unknown=True)
    if sum(is_unknown_upload(file, intended) for file in bill.files) > 1:
        broken.append(Violation("remote_files_left", f"one kill leaves one upload at most: {bill.files}"))
    return broken


def check_left(names: list[str]) -> list[Violation]:
    """Nothing of ours is left beside the target."""
    return [Violation("remote_files_left", f"left behind: {names}", len(names))] if names else []


def _end(batch: dict[str, Any]) -> float:
    return min((batch[name] for name in ENDS if batch.get(name)), default=float("inf"))
