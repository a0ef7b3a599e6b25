"""The Batch API's own objects as typed values, read leniently."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class BatchStatus(StrEnum):
    """The life of a batch, in the API's words; an unknown word counts as not ended."""

    VALIDATING = "validating"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> BatchStatus:
        lowered = str(value).lower()
        return next((status for status in cls if status.value == lowered), cls.UNKNOWN)

    @property
    def ended(self) -> bool:
        """Tell whether the API will not change the batch any more."""
        return self in ENDED


ENDED = frozenset({BatchStatus.COMPLETED, BatchStatus.FAILED, BatchStatus.EXPIRED, BatchStatus.CANCELLED})


class RequestCounts(msgspec.Struct, frozen=True):
    """How many requests of a batch are where; servers may leave any of them out."""

    total: int | None = None
    completed: int | None = None
    failed: int | None = None


class BatchError(msgspec.Struct, frozen=True):
    """Why a batch failed at validation; `line` counts from 1 in the input file."""

    code: str | None = None
    message: str | None = None
    param: str | None = None
    line: int | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One batch as the API last showed it; times in seconds since 1970."""

    id: str
    status: BatchStatus
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    created_at: float | None = None
    expires_at: float | None = None
    request_counts: RequestCounts = RequestCounts()
    errors: tuple[BatchError, ...] = ()
    metadata: dict[str, str] = {}


class InputFile(msgspec.Struct, frozen=True, kw_only=True):
    """An uploaded file; `created_at` is the server's time."""

    id: str
    bytes: int | None = None
    created_at: float | None = None
