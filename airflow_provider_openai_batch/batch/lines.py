"""One line of an output or error file, in any server's dialect, as an answer."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch.answer_json import (
    UNREADABLE,
    clean_answer,
    decode,
    decode_line,
    encode,
)
from airflow_provider_openai_batch.batch.endpoints.reply import mapping, word
from airflow_provider_openai_batch.batch.output import Invalid
from airflow_provider_openai_batch.batch.status import RowStatus

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.endpoints.reply import Endpoint, Reply
    from airflow_provider_openai_batch.batch.output import Output

ID_BYTES = 16
ID_DIGITS = 32
STATUS = re.compile(r"\s*([0-9]{1,3})(?![0-9.])")  # some add the phrase: "200 OK"
SUCCESS = range(200, 300)
SERVER_ERROR = 500
PASSING = frozenset({0, 408, 409, 425, 429})
UNASKED = {"expired": RowStatus.EXPIRED, "cancelled": RowStatus.CANCELLED, "canceled": RowStatus.CANCELLED}
PERMANENT = ("invalid", "not_found", "context_length", "content_filter", "unsupported")
YEAR_2100 = 4_102_444_800


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One line, judged; `custom_id` is empty when the line names none of ours."""

    custom_id: bytes
    status: RowStatus
    answer: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    finish_reason: str | None = None
    raw_output: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    processed_at: datetime | None = None


class Malformed(msgspec.Struct, frozen=True):
    """A line that names no request."""

    reason: str


def parse_line(line: bytes, endpoint: Endpoint, output: Output) -> Answer | Malformed:
    """Judge one line of an output or error file, in any server's dialect; never raises."""
    try:
        told = decode_line(line)
    except UNREADABLE as error:
        return Malformed(f"The line is not JSON: {error}.")
    if not isinstance(told, dict) or told.get("custom_id") is None:
        return Malformed("The line has no custom_id.")
    custom_id = _our_id(told["custom_id"])
    response = _unpacked(told.get("response"))
    if response is None:
        return _failure(custom_id, None, told.get("error"))
    body = _unpacked(response.get("body"))
    code = _status_code(response, body, told.get("error"))
    if code in SUCCESS and body is not None and not _is_error(body):
        return _judge(custom_id, body, (endpoint, output))
    return _failure(custom_id, code, _first_error(body, response, told))


def _our_id(value: object) -> bytes:
    digits = value.strip() if isinstance(value, str) else ""
    if len(digits) != ID_DIGITS:
        return b""
    try:
        custom_id = bytes.fromhex(digits)
    except ValueError:
        return b""
    return custom_id if len(custom_id) == ID_BYTES else b""


def _unpacked(value: object) -> dict[str, Any] | None:
    """Take an object, also where a server sends it as a string of JSON."""
    if isinstance(value, str):
        try:
            value = decode(value)
        except UNREADABLE:
            return None
    return value if isinstance(value, dict) else None


def _status_code(response: dict[str, Any], body: dict[str, Any] | None, error: object) -> int | None:
    """Read the HTTP status; a server that leaves it out means 200 where nothing speaks against it."""
    code = response.get("status_code")
    if code is None:
        return None if body is None or error or _is_error(body) else 200
    return _integer(code)


def _integer(value: object) -> int | None:
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


def _is_error(body: dict[str, Any]) -> bool:
    return bool(body.get("error") or body.get("errors")) or body.get("object") == "error"


def _first_error(body: dict[str, Any] | None, response: dict[str, Any], told: dict[str, Any]) -> object:
    """Find what tells most: the body's error, then the line's, then the body itself."""
    if body is not None and _is_error(body):
        errors = mapping(body.get("errors")).get("data")
        several = errors[0] if isinstance(errors, list) and errors else body.get("errors")
        return body.get("error") or several or body
    return told.get("error") or body or response.get("body")


def _judge(custom_id: bytes, body: dict[str, Any], asked: tuple[Endpoint, Output]) -> Answer:
    endpoint, output = asked
    reply = endpoint.read(body)
    if reply.refusal is not None or reply.finish_reason == "content_filter":
        said = reply.refusal or reply.text
        return _unusable(
            custom_id, reply, (RowStatus.REFUSED, "The model or a filter refused to answer.", said)
        )
    if reply.finish_reason == "length":
        told = "The answer was cut off at the token limit; allow more tokens."
        return _unusable(custom_id, reply, (RowStatus.TRUNCATED, told, reply.text))
    if reply.text is None:
        return _unusable(custom_id, reply, (RowStatus.INVALID, "The answer holds no text.", encode(body)))
    values = output.parse(reply.text)
    if isinstance(values, Invalid):
        return _unusable(custom_id, reply, (RowStatus.INVALID, values.reason, clean_answer(reply.text)))
    return _answer(custom_id, RowStatus.OK, reply, {"answer": clean_answer(reply.text)})


def _unusable(custom_id: bytes, reply: Reply, verdict: tuple[RowStatus, str, str | None]) -> Answer:
    status, message, raw = verdict
    told = {"error_code": str(status), "error_message": message, "raw_output": raw}
    return _answer(custom_id, status, reply, told)


def _answer(custom_id: bytes, status: RowStatus, reply: Reply, told: dict[str, str | None]) -> Answer:
    created = reply.created
    known = created is not None and 0 < created < YEAR_2100
    return Answer(
        custom_id=custom_id,
        status=status,
        finish_reason=reply.finish_reason,
        model=reply.model,
        input_tokens=reply.input_tokens,
        cached_tokens=reply.cached_tokens,
        output_tokens=reply.output_tokens,
        reasoning_tokens=reply.reasoning_tokens,
        processed_at=datetime.fromtimestamp(created, UTC) if created is not None and known else None,
        **told,
    )


def _failure(custom_id: bytes, code: int | None, error: object) -> Answer:
    """Make the answer of a request that has none; errors come as objects, as strings, or not at all."""
    error = _unpacked(error) or error
    told = _innermost(mapping(error))
    name = told.get("code") or told.get("type") or code
    message = word(told.get("message")) or word(error)
    return Answer(
        custom_id=custom_id,
        status=_failed_as(code, told),
        error_code=None if name is None else str(name),
        error_message=message or "The server gave no reason.",
        raw_output=None if message or not error else encode(error),
    )


def _innermost(error: dict[str, Any]) -> dict[str, Any]:
    """Unwrap an error that a gateway has wrapped in one of its own."""
    while not error.get("message") and isinstance(error.get("error"), dict):
        error = error["error"]
    return error


def _failed_as(code: int | None, error: dict[str, Any]) -> RowStatus:
    """Tell whether a failure is for good; without an HTTP answer it is not, unless its error says so."""
    names = " ".join(str(error.get(key) or "") for key in ("code", "type")).lower()
    for part, status in UNASKED.items():
        if f"batch_{part}" in names or (code is None and part in names):
            return status
    code = _integer(error.get("code")) if code is None or code in SUCCESS else code
    if code is not None:
        return RowStatus.FAILED if code in PASSING or code >= SERVER_ERROR else RowStatus.ERROR
    return RowStatus.ERROR if any(part in names for part in PERMANENT) else RowStatus.FAILED
