"""The Batch API's own objects as typed values, read leniently."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

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


class Created(msgspec.Struct, frozen=True):
    """The batch exists."""

    batch: Batch


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The API said no with an error of its own: nothing exists and nothing runs."""

    status: int
    code: str | None = None
    param: str | None = None
    message: str = ""
    retry_after: float | None = None

    @property
    def kind(self) -> Refusal:
        """Tell what to do about it."""
        return _kind(self)


class Refusal(StrEnum):
    """What a refused create means for its shard."""

    UNSEEN = "unseen"  # the file is not visible yet: again soon
    BUSY = "busy"  # a rate limit: again later
    QUEUE_FULL = "queue_full"  # the token queue is full: again when there is room
    TOO_LARGE = "too_large"  # split the shard
    FINAL = "final"  # a person has to change something


class Unclear(msgspec.Struct, frozen=True):
    """No trustworthy answer: a batch may exist."""

    reason: str


class Gone(msgspec.Struct, frozen=True):
    """The API does not know this batch at the moment."""


QUEUE_CODES = {"token_limit_exceeded"}
TOO_LARGE = 413
TOO_MANY = 429


def queue_is_full(code: str | None, message: str | None) -> bool:
    """Tell whether an error is about enqueued tokens, in the words of OpenAI and of Azure."""
    text = (message or "").lower()
    enqueued = "enqueued token" in text or "token_limit_exceeded" in text
    return code in QUEUE_CODES or enqueued


def file_is_unseen(message: str | None) -> bool:
    """Tell whether an error says that the input file cannot be found."""
    return "cannot find file" in (message or "").lower()


def _kind(refused: Refused) -> Refusal:
    if queue_is_full(refused.code, refused.message):
        return Refusal.QUEUE_FULL
    if file_is_unseen(refused.message):
        return Refusal.UNSEEN
    if refused.status == TOO_LARGE:
        return Refusal.TOO_LARGE
    if refused.status == TOO_MANY and refused.code != "insufficient_quota":
        return Refusal.BUSY
    return Refusal.FINAL


class _WireErrors(msgspec.Struct, frozen=True):
    data: list[Any] | None = None


class _WireBatch(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    status: str = BatchStatus.UNKNOWN
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    created_at: float | str | None = None
    expires_at: float | str | None = None
    request_counts: RequestCounts | None = None
    errors: msgspec.Raw = msgspec.Raw(b"null")
    metadata: Any = None


class _WireFile(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    bytes: int | None = None
    created_at: float | str | None = None


def read_batch(raw: bytes | msgspec.Raw) -> Batch:
    """Read a batch as any server writes it: null, absent, or empty fields are None, times are seconds."""
    wire = msgspec.json.decode(raw, type=_WireBatch, strict=False)
    return Batch(
        id=wire.id,
        status=BatchStatus(wire.status),
        input_file_id=wire.input_file_id or None,
        output_file_id=wire.output_file_id or None,
        error_file_id=wire.error_file_id or None,
        created_at=_seconds(wire.created_at),
        expires_at=_seconds(wire.expires_at),
        request_counts=wire.request_counts or RequestCounts(),
        errors=_errors(wire.errors),
        metadata=_texts(wire.metadata),
    )


def read_input_file(raw: bytes) -> InputFile:
    """Read a file object; times are seconds."""
    wire = msgspec.json.decode(raw, type=_WireFile, strict=False)
    return InputFile(id=wire.id, bytes=wire.bytes, created_at=_seconds(wire.created_at))


def _seconds(value: float | str | None) -> float | None:
    if not isinstance(value, str):
        return value
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _texts(value: Any) -> dict[str, str]:
    return {name: str(text) for name, text in value.items()} if isinstance(value, dict) else {}


def _error(value: Any) -> BatchError:
    """Read one error of a batch; servers write numbers for words, and words for errors."""
    if not isinstance(value, dict):
        return BatchError(message=str(value))
    line = str(value.get("line"))
    words = {name: value.get(name) for name in ("code", "message", "param")}
    return BatchError(
        **{name: None if word is None else str(word) for name, word in words.items()},
        line=int(line) if line.isdigit() else None,
    )


def _errors(raw: msgspec.Raw) -> tuple[BatchError, ...]:
    try:
        errors = msgspec.json.decode(raw, type=_WireErrors | None, strict=False)
    except msgspec.MsgspecError:
        return ()
    return tuple(_error(value) for value in errors.data or ()) if errors else ()
