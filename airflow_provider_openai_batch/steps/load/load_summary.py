"""What a load did, for its log and its XCom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.steps.load.usage_beyond_answers import RanUnseen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_openai_batch.batch.arguments import arguments

#: What a load does with rows, by the mode of its target.
DONE = {"merge": "merged", "append": "appended", "replace_partition": "written to the partition"}
#: So many error codes are named for each status.
CODES = 3
#: So many error codes are named for the next task.
TOP_ERRORS = 5
#: Fields that the XCom shows as they are.
SHOWN = (
    "target", "rows", "written", "kept", "counts", "failed_ratio", "cost_usd", "saved_usd", "report_uri",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSummary:
    """What a load did. Costs are in USD; None: a price or the tokens of an answer are unknown."""

    rows: int
    #: Rows that the target took, and rows that it kept as they were.
    written: int
    kept: int
    #: Rows by status.
    counts: dict[str, int]
    #: The target as it was agreed between submit and load.
    landed_in: arguments.Target | None = None
    #: The target for a person, such as `warehouse.ticket_labels`, and the mode of the load.
    target: str = "The target"
    mode: str = "merge"
    #: The most frequent error codes by status.
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: The most frequent error codes of all rows, with their rows.
    errors: tuple[tuple[str, int], ...] = ()
    cost_usd: float | None = None
    saved_usd: float | None = None
    #: Rows that count for `max_failed_ratio`: those that had not failed in another run before.
    judged: int = 0
    #: How many of these failed.
    failed: int = 0
    #: Rows that are not in the target by the keys that they came with: each run pays for them again.
    changed_keys: int = 0
    #: Characters that no database takes, removed from the answers of all tries or replaced.
    cleaned: int = 0
    #: Whether the requested model has a price.
    priced: bool = True
    #: What was paid, for a person.
    money: str = ""
    #: What batches used beyond their answers.
    ran_unseen: RanUnseen = field(default_factory=RanUnseen)
    report_uri: str | None = None
    #: The model that was asked, the input and output tokens of all rows, and the seconds since submit.
    model: str = ""
    tokens: tuple[int, int] = (0, 0)
    seconds: float | None = None

    @property
    def failed_ratio(self) -> float:
        """Return the part of the judged rows that has no good answer."""
        return self.failed / self.judged if self.judged else 0.0

    def __str__(self) -> str:
        report = f"Report: {self.report_uri}" if self.report_uri else ""
        return "\n".join(
            filter(
                None, (self._rows(), self._kept(), self._cleaned(), self._failed_again(), self.money, report)
            )
        )

    def _rows(self) -> str:
        counts = ", ".join(self._status(status) for status in sorted(self.counts, key=_good_first))
        return f"{self.target}: {self.rows:,} rows {DONE[self.mode]}{f': {counts}' if counts else ''}."

    def _status(self, status: str) -> str:
        # A code that repeats its status, or stands for a missing one, says nothing.
        known = [code for code in self.codes.get(status, ()) if code != status and not code.startswith("(")]
        codes = f" ({', '.join(known[:CODES])})" if known else ""
        return f"{self.counts[status]:,} {status}{codes}"

    def _kept(self) -> str:
        if not self.kept:
            return ""
        return (
            f"{self.kept:,} of them were kept as they are in the target: a person or a later run wrote them."
        )

    def _cleaned(self) -> str:
        if not self.cleaned:
            return ""
        return f"{self.cleaned:,} characters of answers were removed or replaced: no database accepts them."

    def _failed_again(self) -> str:
        if not (again := self.without_answer - self.failed):
            return ""
        rows = counted(again, "row")
        return f"limits['max_failed_ratio'] leaves out {rows} that had failed in an earlier run, too."

    @property
    def pointer(self) -> str:
        """Say where the report is, as the end of a sentence."""
        return f" Report: {self.report_uri}" if self.report_uri else ""

    @property
    def without_answer(self) -> int:
        """Return how many rows have no good answer: all but those that are `ok`."""
        return self.rows - self.counts.get("ok", 0)

    @property
    def top_errors(self) -> list[dict[str, Any]]:
        """Return the most frequent error codes as `code` and `count` (rows)."""
        return [{"code": code, "count": count} for code, count in self.errors[:TOP_ERRORS]]

    def summary(self) -> dict[str, Any]:
        """Return what the XCom shows."""
        own = {"failed": self.without_answer, "top_errors": self.top_errors}
        return {name: getattr(self, name) for name in SHOWN} | own


def _good_first(status: str) -> tuple[bool, str]:
    return status != "ok", status
