"""What must hold after a kill and a retry: the laws, and what breaks them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import msgspec

from tests.faults.figures import Figures

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.crashes.databases import Row

#: Columns that are the same in every run over the same rows; batches, times, and lines that expired differ.
SAME = (
    "id", "label", "batch_status", "batch_error_code", "batch_custom_id", "batch_input_hash",
    "batch_prompt_version", "batch_run_id", "batch_input_tokens", "batch_output_tokens",
)  # fmt: skip
ENDS = ("completed_at", "failed_at", "expired_at", "cancelled_at")


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken law: what it counts as, how often, and what was seen."""

    figure: str
    count: int
    told: str

    def counted(self) -> Figures:
        """Give the violation as figures."""
        return Figures(**{self.figure: self.count})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What the server did for one run: its batches, executions, and the files that it still holds."""

    batches: list[dict[str, Any]]
    executions: Counter[str]  #: of each question
    at_once: Counter[str]  #: what of it was no part of a batch
    files: list[dict[str, Any]]


def same(rows: list[Row] | None) -> list[tuple[Any, ...]]:
    """Reduce rows to what each run over the same source gives."""
    return [tuple(row.get(name) for name in SAME) for row in rows or []]


def check_rows(rows: list[Row] | None, expected: list[Row]) -> list[Violation]:
    """Compare the target with that of a run without a kill."""
    found, wanted = Counter(same(rows)), Counter(same(expected))
    keys = Counter((row["id"], row.get("batch_run_id")) for row in rows or [])
    twice = {key: times for key, times in keys.items() if times > 1}
    broken = []
    if lost := wanted - found:
        broken.append(
            Violation("rows_lost", lost.total(), f"rows are missing or differ: {sorted(lost, key=str)}")
        )
    if twice:
        broken.append(Violation("rows_duplicated_in_the_target", len(twice), f"keys occur twice: {twice}"))
    elif extra := found - wanted:
        broken.append(
            Violation("rows_lost", extra.total(), f"rows that nobody asked for: {sorted(extra, key=str)}")
        )
    return broken


def check_reader(rows: list[Row] | None, old: list[Row] | None, expected: list[Row]) -> list[Violation]:
    """A reader sees the old table or the whole new one."""
    if rows == old or (rows is not None and same(rows) == same(expected)):
        return []
    seen = [row[:3] for row in same(rows)]
    return [Violation("partial_reads_seen", 1, f"a reader sees neither table: {seen}")]


def check_bill(bill: Bill, expected: Bill, again: int = 0) -> list[Violation]:
    """The bill is that of a run without a kill; what is asked at once may have run `again` times more.

    Who dies while the rows are staged leaves one that is asked at once beside that of the retry.
    """
    more, less = bill.executions - expected.executions, expected.executions - bill.executions
    if more.total() <= again and more.keys() <= bill.at_once.keys() | expected.at_once.keys():
        more = Counter()
    broken = []
    if more:
        broken.append(Violation("requests_executed_too_often", more.total(), f"executed again: {dict(more)}"))
    if less:
        broken.append(Violation("rows_lost", less.total(), f"never executed: {dict(less)}"))
    return broken


def check_live(bill: Bill, requests: dict[str, frozenset[str]]) -> list[Violation]:
    """No request is in two batches that live at one time; `requests` names those of each shard."""
    broken = []
    for one, other in combinations(bill.batches, 2):
        shared = _requests(one, requests) & _requests(other, requests)
        if shared and one["created_at"] < _end(other) and other["created_at"] < _end(one):
            told = f"batches {one['id']} and {other['id']} live at one time: {sorted(shared)}"
            broken.append(Violation("live_batches_sharing_a_request", len(shared), told))
    return broken


def check_files(bill: Bill, intended: Iterable[str]) -> list[Violation]:
    """The server holds no file of the run; an upload that the dead told nobody of ends by itself."""
    known = set(intended)
    left = [
        file
        for file in bill.files
        if file["id"] in known or file["purpose"] != "batch" or not file["expires_at"]
    ]
    broken = [Violation("remote_files_left", len(left), f"files are left: {left}")] if left else []
    if len(bill.files) - len(left) > 1:
        broken.append(Violation("remote_files_left", 1, f"one kill leaves one upload at most: {bill.files}"))
    return broken


def check_left(names: list[str]) -> list[Violation]:
    """Nothing of ours is left beside the target."""
    return [Violation("remote_files_left", len(names), f"left behind: {names}")] if names else []


def requests_of(run: Path) -> dict[str, frozenset[str]]:
    """Read which requests each shard of a run holds."""
    found = {}
    for file in run.glob("shards/*/requests.jsonl"):
        lines = file.read_bytes().splitlines()
        found[file.parent.name] = frozenset(msgspec.json.decode(line)["custom_id"] for line in lines)
    return found


def intended_files(run: Path) -> list[str]:
    """Read which input files the run knows."""
    return [msgspec.json.decode(file.read_bytes())["file_id"] for file in run.rglob("intent.json")]


def _requests(batch: dict[str, Any], requests: dict[str, frozenset[str]]) -> frozenset[str]:
    return requests.get((batch["metadata"] or {}).get("shard", ""), frozenset())


def _end(batch: dict[str, Any]) -> float:
    return min((batch[name] for name in ENDS if batch.get(name)), default=float("inf"))
