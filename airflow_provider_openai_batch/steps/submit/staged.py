"""What submit did, for its log and its XCom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.batch.text.money import usd
from airflow_provider_openai_batch.steps.submit.cost_cap_check import estimate_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.run import facts
    from airflow_provider_openai_batch.batch.run.facts import Attempt

SUMMARY_FIELDS = (
    "rows", "skipped", "changed_prompt", "equal", "requests", "shards", "estimated_tokens",
    "estimated_cost_usd", "estimated_synchronous_usd",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """What a snapshot holds: rows, and the requests, shards, and tokens that they make.

    Costs are in USD; None: the model has no price.
    """

    #: Rows of the source.
    rows: int
    #: Distinct requests of the rows; duplicate rows share one.
    requests: int
    #: Input files of these requests, each of which becomes a batch.
    shards: int
    #: Estimated input tokens of all requests.
    estimated_tokens: int
    #: Rows that cannot be sent; they land as errors.
    rejected: int
    attempt: Attempt
    #: Rows that are not asked, because the target has an answer to them.
    skipped: int = 0
    #: Skipped rows whose answer is to another prompt.
    changed_prompt: int = 0
    #: Requests that this snapshot adds to the run, and their batches; None: an older version staged it.
    new_requests: int | None = None
    new_batches: int = 0
    preview: bool = False
    #: What the new requests cost in batches.
    estimated_cost_usd: float | None = None
    #: The same without batches, by the synchronous endpoint.
    estimated_synchronous_usd: float | None = None
    #: What the estimate is based on, in a sentence; empty if an older version staged the rows.
    basis: str = ""

    @property
    def equal(self) -> int:
        """Return how many are duplicate rows: they share the request of another row."""
        return self.rows - self.skipped - self.requests - self.rejected

    def __str__(self) -> str:
        return "\n".join(filter(None, (self.outcome, self.basis)))

    @property
    def outcome(self) -> str:
        """Return the first line for the log: rows, what is sent, and what that costs."""
        text = ", ".join((counted(self.rows, "row"), *self._left_out(), self._sent()))
        return f"{text}{self._cost()}."

    def _left_out(self) -> Iterator[str]:
        """Name the rows that make no request of their own."""
        changed = f" ({self.changed_prompt:,} for another prompt)" if self.changed_prompt else ""
        if self.skipped:
            yield f"{self.skipped:,} already answered in the target{changed}"
        if self.equal:
            yield counted(self.equal, "duplicate row")
        if self.rejected:
            yield f"{self.rejected:,} that cannot be sent"

    def _sent(self) -> str:
        if self.new_requests is None:
            return f"{counted(self.requests, 'request')} in {counted(self.shards, 'batch', 'batches')}"
        if not self.new_requests:
            return "no new requests"
        batches = counted(self.new_batches, "batch", "batches")
        return f"{counted(self.new_requests, 'new request')} in {batches}"

    def _cost(self) -> str:
        if not self.new_requests:
            return ""
        if self.estimated_cost_usd is None:
            return "; unknown cost"
        whole = self.estimated_synchronous_usd
        without = "" if whole is None else f" ({usd(whole)} without batches)"
        return f"; about {usd(self.estimated_cost_usd)}{without}"

    def summary(self) -> dict[str, Any]:
        """Return what the XCom shows."""
        return {name: getattr(self, name) for name in SUMMARY_FIELDS}


def staged_of(submission: facts.Submission, done: facts.Done, attempt: Attempt) -> Staged:
    """Return what a complete snapshot holds."""
    estimate = estimate_of(done, submission)
    new = None if estimate is None else estimate.forecast.new
    return Staged(
        rows=done.rows if done.read is None else done.read,
        skipped=done.skipped,
        changed_prompt=done.changed_prompt,
        preview=submission.preview,
        requests=done.requests,
        rejected=done.rejected,
        shards=len(done.shards),
        new_requests=None if new is None else new.requests,
        new_batches=done.new,
        estimated_tokens=done.estimated_tokens,
        estimated_cost_usd=done.estimated_cost_usd,
        estimated_synchronous_usd=None if new is None else new.synchronous_usd,
        basis="" if estimate is None else estimate.basis,
        attempt=attempt,
    )
