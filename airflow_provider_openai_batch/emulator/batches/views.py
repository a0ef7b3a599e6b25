"""A batch as the API shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.emulator.batches import progress
from airflow_provider_openai_batch.emulator.state.state import TERMINAL

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.state.state import Batch


def view(batch: Batch, now: float) -> dict[str, Any]:
    """A batch as the API shows it."""
    completed, failed = progress.counts(batch, now)
    times = {
        name: None if (at := getattr(batch, name)) is None else int(at)
        for name in (
            "created_at", "in_progress_at", "expires_at", "finalizing_at", "completed_at",
            "failed_at", "expired_at", "cancelling_at", "cancelled_at",
        )
    }  # fmt: skip
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "model": batch.model,
        "errors": _errors(batch),
        "input_file_id": batch.input_file_id,
        "completion_window": batch.completion_window,
        "status": str(batch.status),
        "output_file_id": batch.output_file_id,
        "error_file_id": batch.error_file_id,
        **times,
        "request_counts": {"total": batch.total, "completed": completed, "failed": failed},
        "usage": _usage(batch),
        "metadata": batch.metadata,
    }


def _errors(batch: Batch) -> dict[str, Any] | None:
    if not batch.errors:
        return None
    data = [
        {"code": error.code, "message": error.message, "param": error.param, "line": error.line}
        for error in batch.errors
    ]
    return {"object": "list", "data": data}


def _usage(batch: Batch) -> dict[str, Any] | None:
    if batch.status not in TERMINAL or batch.in_progress_at is None:
        return None
    usage = batch.usage
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
