"""The Batch API's own objects as typed values, read leniently."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

import msgspec

from airflow_provider_openai_batch.batch.api.quota import quota_is_spent
from airflow_provider_openai_batch.batch.api.status_codes import DENIED, TOO_LARGE, TOO_MANY
from airflow_provider_openai_batch.batch.api.usage import BatchUsage, read_usage
from airflow_provider_openai_batch.batch.api.wire_values import read_count, read_id, read_seconds, read_text
from airflow_provider_openai_batch.batch.text.lenient_json import UNREADABLE, decode_line
from airflow_provider_openai_batch.batch.text.server_words import shown_reason
from airflow_provider_openai_batch.batch.text.shallow_json import shallow

#: Words of other servers, and other spellings, that mean the same.
SPELLINGS = {
    "canceled": "cancelled",
    "canceling": "cancelling",
    "succeeded": "completed",
    "success": "completed",
}
KIND_OF_STATUS = re.compile(r"^(batch|job)_(state|status)_")


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
        word = KIND_OF_STATUS.sub("", re.sub(r"\W+", "_", str(value).strip().lower()))
        word = SPELLINGS.get(word, word)
        return next((status for status in cls if status.value == word), cls.UNKNOWN)

    @property
    def ended(self) -> bool:
        """Return whether the API will not change the batch any more."""
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
    endpoint: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    created_at: float | None = None
    expires_at: float | None = None
    ended_at: float | None = None
    request_counts: RequestCounts = RequestCounts()
    usage: BatchUsage | None = None
    errors: tuple[BatchError, ...] = ()
    metadata: dict[str, str] = {}

    @property
    def tokens(self) -> int:
        """Return its tokens, in and out, as far as it shows them."""
        return self.usage.total if self.usage else 0


class InputFile(msgspec.Struct, frozen=True, kw_only=True):
    """An uploaded file; `created_at` is the server's time."""

    id: str
    filename: str | None = None
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
    def kind(self) -> RefusalKind:
        """Return what the refusal means for the shard."""
        return _kind(self)


class RefusalKind(StrEnum):
    """What a refused create means for its shard."""

    UNSEEN = "unseen"  # the file is not visible yet: again soon
    BUSY = "busy"  # a rate limit: again later
    UNPAID = "unpaid"  # the account has no credit: again later, without end
    QUEUE_FULL = "queue_full"  # the token queue is full: again when there is room
    TOO_LARGE = "too_large"  # split the shard
    DENIED = "denied"  # the key: the task fails, and goes on once the connection is corrected
    FINAL = "final"  # a person has to change something


class Unclear(msgspec.Struct, frozen=True):
    """No trustworthy answer: a batch may exist."""

    reason: str


class Gone(msgspec.Struct, frozen=True):
    """The API does not know this batch at the moment."""


QUEUE_CODES = {"token_limit_exceeded"}
NO_FILE = re.compile(
    r"(cannot|can't|can not|could not|couldn't|unable to) find .*\bfile\b|no such file\b"
    r"|\bfile\b.*\b(not found|not exist|not be found)\b",
    re.DOTALL,
)


def queue_is_full(code: str | None, message: str | None) -> bool:
    """Return whether an error is about enqueued tokens, in the words of OpenAI and of Azure."""
    text = (message or "").lower()
    enqueued = "enqueued token" in text or "token_limit_exceeded" in text
    return (code or "").lower() in QUEUE_CODES or enqueued


def file_is_unseen(message: str | None) -> bool:
    """Return whether an error says that the input file cannot be found."""
    return NO_FILE.search((message or "").lower()) is not None


def _kind(refused: Refused) -> RefusalKind:
    if refused.status in DENIED:
        return RefusalKind.DENIED
    if queue_is_full(refused.code, refused.message):
        return RefusalKind.QUEUE_FULL
    if file_is_unseen(refused.message):
        return RefusalKind.UNSEEN
    if refused.status == TOO_LARGE:
        return RefusalKind.TOO_LARGE
    if refused.status == TOO_MANY:
        return RefusalKind.UNPAID if quota_is_spent(refused.code, refused.message) else RefusalKind.BUSY
    return RefusalKind.FINAL


def read_batch(raw: bytes | msgspec.Raw) -> Batch:
    """Read a batch as any server writes it; only a batch without an id is unreadable.

    What is null, absent, empty, or of another type than it should be is None; times are seconds.
    """
    return batch_of(_object(raw))


def batch_of(parsed: dict[str, Any]) -> Batch:
    """Read a batch that is decoded; raises DecodeError where it has no id."""
    asked = read_id(parsed.get("input_file_id")) or read_id(parsed.get("input_blob"))
    output, error = (_answer_file(parsed, name, asked) for name in ("output_file_id", "error_file_id"))
    return Batch(
        id=_required_id(parsed),
        status=_status(parsed),
        input_file_id=asked,
        endpoint=read_text(parsed.get("endpoint")),
        output_file_id=output,
        error_file_id=None if error == output else error,
        created_at=read_seconds(parsed.get("created_at")),
        expires_at=read_seconds(parsed.get("expires_at")),
        ended_at=_ended_at(parsed),
        request_counts=_counts(parsed.get("request_counts")),
        usage=read_usage(parsed.get("usage")),
        errors=_errors(parsed),
        metadata=_texts(parsed.get("metadata")),
    )


def _answer_file(parsed: dict[str, Any], name: str, asked: str | None) -> str | None:
    """Read the id of an answer file; the file of the requests is none."""
    found = read_id(parsed.get(name))
    return None if found == asked else found


def _ended_at(parsed: dict[str, Any]) -> float | None:
    """Find the time of the end, which has the status in its name; a cancelled batch may lack it."""
    status = _status(parsed)
    return read_seconds(parsed.get(f"{status}_at")) if status.ended else None


def read_input_file(raw: bytes) -> InputFile:
    """Read a file object; times are seconds."""
    return file_of(_object(raw))


def file_of(parsed: dict[str, Any]) -> InputFile:
    """Read a file object that is decoded; raises DecodeError where it has no id."""
    return InputFile(
        id=_required_id(parsed),
        filename=read_text(parsed.get("filename")),
        bytes=read_count(parsed.get("bytes")),
        created_at=read_seconds(parsed.get("created_at")),
    )


def decoded(raw: bytes | msgspec.Raw) -> Any:
    """Decode an answer of the API, whatever characters and numbers are in it; raises DecodeError."""
    try:
        return decode_line(shallow(bytes(raw)))
    except UNREADABLE as error:
        raise msgspec.DecodeError(f"the answer is not JSON ({error})") from error


def _object(raw: bytes | msgspec.Raw) -> dict[str, Any]:
    parsed = decoded(raw)
    if not isinstance(parsed, dict):
        raise msgspec.DecodeError(f"the answer is not an object but a {type(parsed).__name__}")
    return parsed


def _required_id(parsed: dict[str, Any]) -> str:
    found = read_id(parsed.get("id"))
    if found is None:
        raise msgspec.DecodeError("the answer has no id")
    return found


def _status(parsed: dict[str, Any]) -> BatchStatus:
    return BatchStatus(str(parsed.get("status")))


def _counts(value: object) -> RequestCounts:
    parsed = value if isinstance(value, dict) else {}
    return RequestCounts(**{name: read_count(parsed.get(name)) for name in ("total", "completed", "failed")})


def _texts(value: object) -> dict[str, str]:
    return {name: str(text) for name, text in value.items()} if isinstance(value, dict) else {}


def _errors(parsed: dict[str, Any]) -> tuple[BatchError, ...]:
    """Find the errors of a batch: a list in an object, a list, an object, or a text."""
    value = parsed.get("errors") or parsed.get("error")
    if isinstance(value, dict):
        value = value.get("data", [value])
    values = value if isinstance(value, list) else [value]
    return tuple(_error(one) for one in values if one)


def _error(value: Any) -> BatchError:
    """Read one error of a batch; servers write numbers for words, and words for errors."""
    if not isinstance(value, dict):
        return BatchError(message=shown_reason(str(value)))
    words = {name: value.get(name) for name in ("code", "message", "param")}
    return BatchError(
        **{name: None if word is None else shown_reason(str(word)) for name, word in words.items()},
        line=read_count(value.get("line")),
    )
