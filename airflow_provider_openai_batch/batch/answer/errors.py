"""A request without an answer: what its error says, in any server's dialect, and whether it is for good."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch.answer.answer import Answer
from airflow_provider_openai_batch.batch.api.status_codes import PASSING, SERVER_ERROR, SUCCESS
from airflow_provider_openai_batch.batch.endpoints.reply import Reply, mapping, word
from airflow_provider_openai_batch.batch.text.lenient_json import UNREADABLE, decode, encode
from airflow_provider_openai_batch.batch.text.row_status import TRANSIENT, RowStatus
from airflow_provider_openai_batch.batch.text.server_words import shown, shown_raw

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.endpoints.reply import Endpoint

STATUS = re.compile(r"\s*([0-9]{1,3})(?![0-9.])")  # some add the phrase: "200 OK"
#: How often a gateway may have put an object into a string.
STRINGS = 2
CONTENT = ("choices", "output", "data", "results")  # where the endpoints put an answer
UNFINISHED = frozenset({"failed", "error", "cancelled", "in_progress", "queued"})
UNASKED = {"expired": RowStatus.EXPIRED, "cancelled": RowStatus.CANCELLED, "canceled": RowStatus.CANCELLED}
PERMANENT = (
    "invalid", "not_found", "context_length", "content_filter", "unsupported", "too_large", "too_small",
    "parse_error", "empty_", "policy", "mismatch",
)  # fmt: skip


def unpacked(value: object) -> dict[str, Any] | None:
    """Take an object, also where a server sends it as a string of JSON, once or twice."""
    for _ in range(STRINGS):
        if not isinstance(value, str):
            break
        try:
            value = decode(value)
        except UNREADABLE:
            return None
    return value if isinstance(value, dict) else None


def is_error(body: dict[str, Any]) -> bool:
    """Return whether a body says that there is no answer, whatever its HTTP status."""
    return bool(body.get("error") or body.get("errors")) or body.get("object") == "error"


def first_error(body: dict[str, Any] | None, response: dict[str, Any], parsed: dict[str, Any]) -> object:
    """Find the most exact error: that of the body, then of the line, then the body itself."""
    if body is not None and is_error(body):
        errors = mapping(body.get("errors")).get("data")
        several = errors[0] if isinstance(errors, list) and errors else body.get("errors")
        return body.get("error") or several or body
    return parsed.get("error") or body or response.get("body")


def failure(custom_id: bytes, code: int | None, error: object, paid: Reply | None = None) -> Answer:
    """Make the answer of a request that has none; errors come as objects, as strings, or not at all.

    `paid` is what was read of a body that failed half-way and counts its tokens all the same.
    """
    error = unpacked(error) or error
    parsed = _innermost(mapping(error))
    name = parsed.get("code") or parsed.get("type") or code
    message = word(parsed.get("message")) or word(error)
    paid = paid or Reply()
    return Answer(
        custom_id=custom_id,
        status=_failed_as(code, parsed),
        error_code=None if name is None else shown(str(name)),
        error_message=shown(message) if message else "The server gave no reason.",
        error_param=_shown(parsed.get("param")),
        raw_output=None if message or not error else shown_raw(encode(error)),
        model=_shown(paid.model),
        input_tokens=paid.input_tokens,
        cached_tokens=paid.cached_tokens,
        output_tokens=paid.output_tokens,
        reasoning_tokens=paid.reasoning_tokens,
    )


def _shown(value: object) -> str | None:
    text = word(value)
    return None if text is None else shown(text)


def paid_for(body: dict[str, Any] | None, endpoint: Endpoint) -> Reply | None:
    """Read the tokens of a body without an answer, where it counts them."""
    return endpoint.read(body) if body is not None and isinstance(body.get("usage"), dict) else None


def is_whole(body: dict[str, Any], endpoint: Endpoint) -> bool:
    """Return whether a body is an answer that tokens were counted for, whatever stands beside it."""
    reply = paid_for(body, endpoint)
    if reply is None or (reply.input_tokens is None and reply.output_tokens is None):
        return False
    if is_error(body) and not any(body.get(name) for name in CONTENT):
        return False
    if (reply.finish_reason or "").lower() in UNFINISHED:
        return False
    return (
        reply.text is not None or reply.refusal is not None or reply.calls_tool or bool(reply.output_tokens)
    )


def as_paid(code: int | None, answer: Answer) -> Answer:
    """Keep what was run from being asked again: a success with counted output is not a transient failure."""
    if code in SUCCESS and answer.output_tokens and answer.status in {*TRANSIENT, RowStatus.CANCELLED}:
        return msgspec.structs.replace(answer, status=RowStatus.INVALID)
    return answer


def _innermost(error: dict[str, Any]) -> dict[str, Any]:
    """Unwrap an error that a gateway has wrapped in one of its own."""
    while not error.get("message") and isinstance(error.get("error"), dict):
        error = error["error"]
    return error


def _failed_as(code: int | None, error: dict[str, Any]) -> RowStatus:
    """Return whether a failure is for good; without an HTTP answer it is not, unless its error says so."""
    names = " ".join(str(error.get(key) or "") for key in ("code", "type")).lower()
    for part, status in UNASKED.items():
        if f"batch_{part}" in names or (code is None and part in names):
            return status
    code = integer(error.get("code")) if code is None or code in SUCCESS else code
    if code is not None:
        return RowStatus.FAILED if code in PASSING or code >= SERVER_ERROR else RowStatus.ERROR
    return RowStatus.ERROR if any(part in names for part in PERMANENT) else RowStatus.FAILED


def integer(value: object) -> int | None:
    """Read an HTTP status, or a code that is one."""
    match value:
        case bool():
            return None
        case int():
            return value
        case float() if value.is_integer():
            return int(value)
        case str() if found := STATUS.match(value):
            return int(found[1])
    return None
