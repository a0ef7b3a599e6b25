"""What submit did, for its log and its XCom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.steps.submit.cost_cap import estimate_of

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run import facts
    from airflow_provider_openai_batch.batch.run.facts import Attempt

SHOWN = (
    "rows", "skipped", "changed_prompt", "equal", "requests", "shards", "estimated_tokens",
    "estimated_cost_usd", "estimated_synchronous_usd",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """What a snapshot holds: rows, and the requests, shards, and tokens that they make.

    `rows` are those of the source; `skipped` of them are not in the snapshot, for the target holds them, of
    these `changed_prompt` for another prompt.
    """

    rows: int
    requests: int
    shards: int
    estimated_tokens: int
    rejected: int
    attempt: Attempt
    skipped: int = 0
    changed_prompt: int = 0
    preview: bool = False
    estimated_cost_usd: float | None = None
    #: The same by the synchronous endpoint.
    estimated_synchronous_usd: float | None = None
    #: What is to be paid, for a person; empty where an older version staged the rows.
    money: str = ""

    @property
    def equal(self) -> int:
        """Return how many are duplicate rows: they share the request of another row."""
        return self.rows - self.skipped - self.requests - self.rejected

    def __str__(self) -> str:
        changed = f" ({self.changed_prompt:,} answered for another prompt)" if self.changed_prompt else ""
        rejected = f", {self.rejected:,} cannot be sent and become error rows" if self.rejected else ""
        return (
            f"{self.rows:,} rows: {self.skipped:,} already in the target, skipped{changed}; "
            f"{self.equal:,} duplicate rows{rejected}; {self.requests:,} requests. {self.money}"
        ).rstrip()

    def summary(self) -> dict[str, Any]:
        """Return what the XCom shows."""
        return {name: getattr(self, name) for name in SHOWN}


def staged_of(told: facts.Asked, done: facts.Done, attempt: Attempt) -> Staged:
    """Return what a complete snapshot holds."""
    return Staged(
        rows=done.rows if done.read is None else done.read,
        skipped=done.skipped,
        changed_prompt=done.changed_prompt,
        preview=told.preview,
        requests=done.requests,
        rejected=done.rejected,
        shards=len(done.shards),
        estimated_tokens=done.estimated_tokens,
        estimated_cost_usd=done.estimated_cost_usd,
        estimated_synchronous_usd=None if done.forecast is None else done.forecast.new.synchronous_usd,
        money=estimate_of(done, told),
        attempt=attempt,
    )
