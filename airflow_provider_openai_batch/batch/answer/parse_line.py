"""One line of an output or error file, in any server's dialect, as an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.answer.answer import Answer, Malformed
from airflow_provider_openai_batch.batch.answer.check_answer import check_answer
from airflow_provider_openai_batch.batch.answer.errors import (
    as_paid,
    failure,
    first_error,
    integer,
    is_error,
    is_whole,
    paid_for,
    unpacked,
)
from airflow_provider_openai_batch.batch.api.status_codes import SUCCESS
from airflow_provider_openai_batch.batch.text.lenient_json import (
    UNREADABLE,
    clean_answer,
    decode_line,
    encode,
)
from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES, ID_DIGITS
from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.batch.text.server_words import LONGEST_RAW, shown_raw
from airflow_provider_openai_batch.batch.text.shallow_json import shallow

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.endpoints.reply import Endpoint
    from airflow_provider_openai_batch.batch.output.output import Output

__all__ = ["Answer", "Malformed", "broken", "parse_line"]

LOOSE_CUSTOM_ID = re.compile(rb'(?i)custom_id[\\"\s:]+([0-9a-f]{32})(?![0-9a-f])')
ALIKE = re.compile(rb"(?i)(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
RAW_BYTES = LONGEST_RAW
UNSAID = "The server says that it answered, but not what."
SILENT = "The server shows neither an answer nor an error."


def parse_line(line: bytes, endpoint: Endpoint, output: Output) -> Answer | Malformed:
    """Read one line of an output or error file, in any server's dialect; never raises.

    The documented form is `{"custom_id", "response": {"status_code", "body"}, "error"}` (API reference,
    "The request output object"). Other servers leave out the status, put the body where the response is,
    or send either as a string of JSON.

    :return: `Malformed` where the line names no request of ours in the place for it.
    """
    try:
        parsed = _decoded(line)
    except UNREADABLE as error:
        return _unread(line, f"The line is not JSON: {error}.")
    parsed = unpacked(parsed) or parsed
    if not isinstance(parsed, dict) or parsed.get("custom_id") is None:
        return _unread(line, "The line has no custom_id.")
    custom_id = b"" if _is_question(parsed) else _our_id(parsed["custom_id"])
    response = unpacked(parsed.get("response"))
    if response is not None:
        return _responded(custom_id, parsed, response, endpoint, output)
    if not parsed.get("error"):
        return _strange(custom_id, parsed.get("response"), SILENT)
    return failure(custom_id, None, parsed.get("error"))


def _decoded(line: bytes) -> Any:
    """Decode a line, without what is nested deeper than a reader takes: no answer is."""
    try:
        return decode_line(line)
    except RecursionError:
        return decode_line(shallow(line))


def _responded(
    custom_id: bytes, parsed: dict[str, Any], response: dict[str, Any], endpoint: Endpoint, output: Output
) -> Answer:
    """Read a line with a response, which is the body itself where a server leaves out what is around it."""
    body = unpacked(response.get("body", response if is_whole(response, endpoint) else None))
    code = _status_code(response, body, parsed.get("error"))
    if body is not None and (is_whole(body, endpoint) or (code in SUCCESS and not is_error(body))):
        return as_paid(code, check_answer(custom_id, body, endpoint, output))
    if body is None and not parsed.get("error") and (code is None or code in SUCCESS):
        return _strange(custom_id, response.get("body", response), SILENT if code is None else UNSAID)
    failed = failure(custom_id, code, first_error(body, response, parsed), paid_for(body, endpoint))
    return as_paid(code, failed)


def broken(custom_id: bytes, line: Malformed) -> Answer:
    """Make the answer of a request that a line which cannot be read shows: it was paid for, so it stays."""
    return _invalid(custom_id, line.reason, line.raw)


def _unread(line: bytes, reason: str) -> Malformed:
    """Keep what a broken line shows: the requests that it names, else all that looks like one."""
    named = LOOSE_CUSTOM_ID.findall(line)
    found = named or ALIKE.findall(line)
    shown = tuple(dict.fromkeys(bytes.fromhex(digits.decode()) for digits in found))
    raw = shown_raw(clean_answer(line[:RAW_BYTES].decode("utf-8-sig", "replace").strip()))
    return Malformed(reason, shown, bool(named), raw)


def _is_question(parsed: dict[str, Any]) -> bool:
    """Return whether a line is the request itself, as in the input file: it answers nothing."""
    return parsed.keys() >= {"method", "url"} and parsed.keys().isdisjoint({"response", "error"})


def _strange(custom_id: bytes, body: object, missing: str) -> Answer:
    """Keep what is neither a failure nor an object: it may have run, and a repeated request costs again."""
    raw = body if isinstance(body, str) else encode(body)
    message = "The answer is not an object of JSON." if body else missing
    return _invalid(custom_id, message, clean_answer(raw))  # it is the answer, whole


def _invalid(custom_id: bytes, message: str, raw: str) -> Answer:
    invalid = RowStatus.INVALID
    return Answer(
        custom_id=custom_id, status=invalid, error_code=str(invalid), error_message=message, raw_output=raw
    )


def _our_id(value: object) -> bytes:
    digits = value.strip() if isinstance(value, str) else ""
    if len(digits) != ID_DIGITS:
        return b""
    try:
        custom_id = bytes.fromhex(digits)
    except ValueError:
        return b""
    return custom_id if len(custom_id) == ID_BYTES else b""


def _status_code(response: dict[str, Any], body: dict[str, Any] | None, error: object) -> int | None:
    """Read the HTTP status; where a server writes none, it means 200 if nothing speaks against it."""
    code = integer(response.get("status_code"))
    if code is None:
        return None if body is None or error or is_error(body) else 200
    return code
