"""The body of an error answer, in any server's form, as a refusal."""

from __future__ import annotations

from typing import Any

import msgspec

from airflow_provider_openai_batch.batch.api.objects import Refused
from airflow_provider_openai_batch.batch.api.status_codes import DENIED
from airflow_provider_openai_batch.batch.text.lenient_json import UNREADABLE, decode_line
from airflow_provider_openai_batch.batch.text.safe_words import NO_CODE, as_code, as_param
from airflow_provider_openai_batch.batch.text.server_words import shown, shown_reason
from airflow_provider_openai_batch.batch.text.shallow_json import shallow

WRAPPERS = ("error", "errors")
VAGUE_WRAPPERS = (*WRAPPERS, "data", "detail")
DEEPEST = 8


def read_refused(status: int, raw: bytes, retry_after: float | None) -> Refused | None:
    """Read why the API said no; None where the body is not the API's own, such as a proxy's page."""
    parsed = _parsed(raw)
    if parsed is None:
        return None
    said = _word(parsed.get("code")) or (_word(parsed.get("type")) if "loc" in parsed else None)
    code = None if as_code(said) == NO_CODE else said
    message = _message(parsed) if code == said else f"{_message(parsed)} ({said})"
    return Refused(
        status=status,
        code=None if code is None else shown(code),
        param=as_param(_param(parsed)),
        # the API's text repeats a part of the key
        message="The API refuses the key." if status in DENIED else shown_reason(message),
        retry_after=retry_after,
    )


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """Find the innermost error object in its wrappers and lists."""
    try:
        parsed: Any = decode_line(shallow(raw))
    except UNREADABLE:
        return None
    found: dict[str, Any] | None = None
    for _ in range(DEEPEST):
        if isinstance(parsed, list):
            parsed = parsed[0] if parsed else None
        if isinstance(parsed, str) and parsed and found is not None:
            return _said(parsed, found)
        if not isinstance(parsed, dict) or not parsed:
            break
        found = parsed
        names = WRAPPERS if _word(parsed.get("message")) else VAGUE_WRAPPERS
        parsed = next((parsed[name] for name in names if parsed.get(name)), None)
    return found


def _said(text: str, around: dict[str, Any]) -> dict[str, Any]:
    """Take a text as the message, or as the code where a message stands beside it."""
    return {"code": text} | around if _word(around.get("message")) else around | {"message": text}


def _param(parsed: dict[str, Any]) -> str | None:
    place = parsed.get("loc")
    if isinstance(place, list):
        return ".".join(str(part) for part in place)
    return _word(parsed.get("param"))


def _message(parsed: dict[str, Any]) -> str:
    said = _word(parsed.get("message")) or _word(parsed.get("msg"))
    place = _param(parsed) if "loc" in parsed else None
    if said is None:
        return msgspec.json.encode(parsed).decode()
    return f"{place}: {said}" if place else said


def _word(value: object) -> str | None:
    return None if value is None or value == "" else str(value)
