"""The outcome of one synchronous request: an answer, a refusal, not run, or unclear."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from airflow_provider_openai_batch.batch.api.error_body import read_refused
from airflow_provider_openai_batch.batch.api.objects import Refused, Unclear
from airflow_provider_openai_batch.batch.api.status_codes import (
    DENIED,
    INVALID,
    NO_ROUTE,
    SUCCESS,
    TOO_LARGE,
    TOO_MANY,
)
from airflow_provider_openai_batch.batch.text.lenient_json import UNREADABLE, decode_line
from airflow_provider_openai_batch.batch.text.server_words import shown
from airflow_provider_openai_batch.batch.text.shallow_json import shallow

#: About what one row says, in the words of several servers.
OWN_CODES = re.compile(
    r"context_length|context_window|string_above_max|above_max_length|max_tokens_exceeded|invalid_prompt"
    r"|content_policy|content_filter|responsible_?ai|moderation|safety|image"
)
OWN_WORDS = re.compile(
    r"context (length|window)|content (management )?policy|usage polic|maximum (context|input|prompt) length"
    r"|(prompt|input|string) (is )?too (long|large)"
)
#: An Azure deployment that serves batches only says one of these when it is called synchronously.
BATCH_ONLY = re.compile(
    r"deploymentnotfound|operationnotsupported|operation does not work with the specified"
)


class SyncAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The request was answered, with an answer or with an error of its own; `body` is decoded JSON."""

    status: int
    request_id: str
    body: Any

    @property
    def good(self) -> bool:
        """Return whether it is an answer."""
        return self.status in SUCCESS

    def line(self, custom_id: str) -> bytes:
        """Write it as a batch would: a line of its output or error file."""
        response = {"status_code": self.status, "request_id": self.request_id, "body": self.body}
        return msgspec.json.encode({"custom_id": custom_id, "response": response, "error": None}) + b"\n"


class NotRun(msgspec.Struct, frozen=True):
    """The server does not answer synchronous requests, or not now: nothing ran."""

    reason: str


SyncOutcome = SyncAnswer | Refused | NotRun | Unclear
NO_SERVER = NotRun("this server does not answer synchronous requests")


def read_sync_answer(status: int, raw: bytes, *, request_id: str, retry_after: float | None) -> SyncOutcome:
    """Decide what an answer says about its request.

    A refusal would meet every other request as well, or it is about the key.
    """
    if status in SUCCESS:
        body = _object(raw)
        answer = SyncAnswer(status=status, request_id=shown(request_id), body=body)
        return Unclear(f"{status}, which is not readable") if body is None else answer
    if status == TOO_MANY:
        return NotRun("a rate limit")
    refused = read_refused(status, raw, retry_after)
    if refused is not None and _is_its_own(refused):
        return SyncAnswer(status=status, request_id=shown(request_id), body=decode_line(shallow(raw)))
    return _unread(status) if refused is None else _refused(refused)


def _refused(refused: Refused) -> SyncOutcome:
    if _is_without_endpoint(refused):
        return NO_SERVER
    return refused if refused.status in INVALID | DENIED else Unclear(f"{refused.status}")


def _unread(status: int) -> SyncOutcome:
    """Take a no without a reason: of some the status says enough."""
    if status in DENIED:
        return Refused(status=status, message="The API refuses the key.")
    if status in NO_ROUTE:
        return NO_SERVER
    return NotRun("it is too large for it") if status == TOO_LARGE else Unclear(f"{status}")


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        parsed = decode_line(shallow(raw))
    except UNREADABLE:
        return None
    return parsed if isinstance(parsed, dict) else None


def _is_without_endpoint(refused: Refused) -> bool:
    """Return whether the route, not the model, is what was not found."""
    said = f"{refused.code} {refused.message}".lower()
    if BATCH_ONLY.search(said):
        return True
    about_model = "model" in said or refused.param == "model"
    return refused.status in NO_ROUTE and not about_model


def _is_its_own(refused: Refused) -> bool:
    """Return whether the error is about this row, not about what all have in common."""
    if refused.status not in INVALID | {TOO_LARGE}:
        return False
    code = (refused.code or "").lower()
    words = OWN_CODES.search(code) or OWN_WORDS.search(refused.message.lower())
    return refused.status == TOO_LARGE or bool(words)
