"""Where a batch is at a moment: pure arithmetic on the times of its stages and the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.emulator.faults.active import options_of
from airflow_provider_openai_batch.emulator.settings import DAY
from airflow_provider_openai_batch.emulator.state.state import TERMINAL, LineError, StageTimes, Status

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.state.state import Batch, Fault

WINDOW = DAY
LONGEST_VALIDATION, LONGEST_FINALIZATION, LONGEST_CANCELLATION = 60, 60, 600
NEVER = 1e12


def stage_times(seconds: float, faults: tuple[Fault, ...] = ()) -> StageTimes:
    """Split the time to complete into stages, as the faults of the batch change it."""
    validation = min(seconds * 0.05, LONGEST_VALIDATION)
    finalization = min(seconds * 0.05, LONGEST_FINALIZATION)
    running = seconds - validation - finalization
    cancellation = min(seconds * 0.05, LONGEST_CANCELLATION)
    cancel_at = None
    for fault in faults:
        match fault.name:
            case "expire":
                share = fault.options["share"]
                running = (WINDOW - validation) / share if share > 0 else NEVER
            case "cancel":
                cancel_at = fault.options["share"]
            case "cancelling":
                cancellation = fault.options["duration"]
            case "slow_validation":
                validation = fault.options["duration"]
            case "slow" | "no_expiry":
                running = fault.options["duration"]
    return StageTimes(
        validation=validation,
        running=running,
        finalization=finalization,
        cancellation=cancellation,
        cancel_at=cancel_at,
    )


def due_at(batch: Batch) -> float | None:
    """When the next stage of a batch begins; None when it has ended."""
    match batch.status:
        case Status.VALIDATING:
            return batch.created_at + batch.stages.validation
        case Status.IN_PROGRESS:
            return min(_started(batch) + _until(batch), expiry(batch))
        case Status.FINALIZING:
            return (batch.finalizing_at or 0) + batch.stages.finalization
        case Status.CANCELLING:
            return (batch.cancelling_at or 0) + batch.stages.cancellation
    return None


def expiry(batch: Batch) -> float:
    """When a batch stops unfinished; one that says when it expires need not do so."""
    return NEVER if options_of(batch, "no_expiry") else batch.expires_at


def _started(batch: Batch) -> float:
    return batch.created_at if batch.in_progress_at is None else batch.in_progress_at


def _until(batch: Batch) -> float:
    share = batch.stages.cancel_at
    return batch.stages.running * (1 if share is None else share)


def is_cancelled_by_person(batch: Batch, at: float) -> bool:
    """Whether what is due is a person's cancel."""
    return batch.stages.cancel_at is not None and at < expiry(batch)


def share_done(batch: Batch, now: float) -> float:
    """The share of its requests that a batch has run."""
    if partial := options_of(batch, "fail_after_running"):
        return float(partial["share"])
    if batch.status == Status.COMPLETED or batch.finalizing_at is not None:
        return 1
    if batch.in_progress_at is None:
        return 0
    if batch.stages.cancel_at is not None and batch.cancelling_at is not None:
        reached = (
            (batch.cancelling_at - batch.in_progress_at) / batch.stages.running if batch.stages.running else 1
        )
        return min(batch.stages.cancel_at, reached)
    stopped = min(now, batch.cancelling_at or now, expiry(batch))
    return min(1, (stopped - batch.in_progress_at) / batch.stages.running) if batch.stages.running else 1


def counts(batch: Batch, now: float) -> tuple[int, int]:
    """Completed and failed requests; an estimate until the batch ends."""
    if batch.status in TERMINAL:
        return batch.completed, batch.failed
    return int(share_done(batch, now) * batch.total), 0


def refusals(batch: Batch) -> tuple[LineError, ...]:
    """The errors of a validation that faults let fail."""
    if limit := options_of(batch, "token_limit"):
        return (queue_is_full(batch.model or "the model", limit["limit"]),)
    if wrong := options_of(batch, "fail_validation"):
        words = {name: wrong[name] for name in ("code", "message", "param")}
        return tuple(LineError(line=line, **words) for line in wrong["lines"])
    return ()


def queue_is_full(model: str, limit: int) -> LineError:
    """The refusal of a batch that does not fit the token queue."""
    text = (
        f"Enqueued token limit reached for {model} in organization org-emulator. "
        f"Limit: {limit:,} enqueued tokens. "
        "Please try again once some in_progress batches have been completed."
    )
    return LineError(code="token_limit_exceeded", message=text)
