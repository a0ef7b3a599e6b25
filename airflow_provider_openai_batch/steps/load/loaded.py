"""What a load did, for its log and its XCom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from airflow_provider_openai_batch.steps.load.unseen_usage import RanUnseen


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a load did; `counts` are rows by status."""

    rows: int
    written: int
    kept: int
    counts: dict[str, int]
    cost_usd: float | None = None
    saved_usd: float | None = None
    #: Rows that are judged: those that had not failed in another run before; and those of them that failed.
    judged: int = 0
    failed: int = 0
    #: Rows that are not in the target by the keys that they came with: each run pays for them again.
    changed_keys: int = 0
    #: Characters that no database takes, removed from the answers of all tries or replaced.
    cleaned: int = 0
    priced: bool = True  #: whether the model that was asked has a price
    money: str = ""  #: what was paid, for a person
    ran_unseen: RanUnseen = field(
        default_factory=RanUnseen
    )  #: what batches took beyond what their answers tell
    report_uri: str | None = None

    @property
    def failed_ratio(self) -> float:
        """Return the part of the judged rows that has no good answer."""
        return self.failed / self.judged if self.judged else 0.0

    def __str__(self) -> str:
        kept = f", {self.kept:,} kept as they are" if self.kept else ""
        counts = ", ".join(f"{count:,} {status}" for status, count in sorted(self.counts.items()))
        told = f"Wrote {self.written:,} of {self.rows:,} rows{kept}: {counts or 'there are none'}."
        if self.cleaned:
            told += (
                f" {self.cleaned:,} characters of answers that no database takes were removed or replaced."
            )
        return f"{told} {self.money}".rstrip() + self.pointer

    @property
    def pointer(self) -> str:
        """Say where the report is, as the end of a sentence."""
        return f" Report: {self.report_uri}" if self.report_uri else ""

    def summary(self) -> dict[str, Any]:
        """Return what the XCom shows."""
        names = ("rows", "written", "kept", "counts", "failed_ratio", "cost_usd", "saved_usd", "report_uri")
        return {name: getattr(self, name) for name in names}
