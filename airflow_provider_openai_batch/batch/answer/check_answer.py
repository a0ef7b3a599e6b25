"""The answer of a model: whether it is one, whole, and of the output type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.answer.answer import Answer
from airflow_provider_openai_batch.batch.output.output import Invalid
from airflow_provider_openai_batch.batch.text.lenient_json import clean_answer, encode
from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.batch.text.server_words import shown, shown_raw

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.endpoints.reply import Endpoint, Reply
    from airflow_provider_openai_batch.batch.output.output import Output

YEAR_2100 = 4_102_444_800
CUT = "The answer was cut off at the token limit; allow more tokens."
REFUSED = "The model or a filter refused to answer."
NOT_MADE = "The server did not finish the answer."
CALLS_TOOL = "The model called a tool; a batch cannot return its result."
NO_TEXT = "The answer holds no text."
#: How an answer ended that cannot be used, in the words of the endpoints and of servers that copy them.
ENDED = {
    "length": (RowStatus.TRUNCATED, CUT),
    "max_tokens": (RowStatus.TRUNCATED, CUT),
    "max_output_tokens": (RowStatus.TRUNCATED, CUT),
    "incomplete": (RowStatus.TRUNCATED, "The answer is incomplete, and the server does not say why."),
    "content_filter": (RowStatus.REFUSED, REFUSED),
    "failed": (RowStatus.FAILED, NOT_MADE),
    "error": (RowStatus.FAILED, NOT_MADE),
    "cancelled": (RowStatus.CANCELLED, "The request was cancelled."),
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why an answer cannot be used, and what is kept of it."""

    status: RowStatus
    message: str
    raw: str | None


def check_answer(custom_id: bytes, body: dict[str, Any], endpoint: Endpoint, output: Output) -> Answer:
    """Decide whether the body of an answer with status 200 is whole and fits the output type.

    Status `refused` for a refusal or a content filter, `truncated` at the token limit, `failed` and
    `cancelled` where the server did not finish, `invalid` for a tool call, no text, or what does not fit.
    What was generated stays in `raw_output`. Source: API reference, "The chat completion object" and "The
    response object".
    """
    reply = endpoint.read(body)
    ended = ENDED.get((reply.finish_reason or "").lower())
    if reply.refusal is not None:
        return _unusable(custom_id, reply, Flaw(RowStatus.REFUSED, REFUSED, reply.refusal))
    if ended is not None:
        return _unusable(custom_id, reply, Flaw(*ended, reply.text))
    if reply.calls_tool:
        return _unusable(custom_id, reply, Flaw(RowStatus.INVALID, CALLS_TOOL, shown_raw(encode(body))))
    if reply.text is None:
        return _unusable(custom_id, reply, Flaw(RowStatus.INVALID, NO_TEXT, shown_raw(encode(body))))
    values, text = _fit(reply.text, reply.parts, output)
    if isinstance(values, Invalid):
        return _unusable(custom_id, reply, Flaw(RowStatus.INVALID, values.reason, text))
    return _answer(custom_id, RowStatus.OK, reply, {"answer": text, "values": values})


def _fit(text: str, parts: tuple[str, ...], output: Output) -> tuple[tuple[Any, ...] | Invalid, str]:
    """Read what fits, the last part that does or the whole, or say why nothing does."""
    several = reversed(parts) if output.schema is not None and len(parts) > 1 else ()
    for part in several:
        if not isinstance(values := output.parse(part), Invalid):
            return values, clean_answer(part)
    return output.parse(text), clean_answer(text)


def _unusable(custom_id: bytes, reply: Reply, flaw: Flaw) -> Answer:
    told = {"error_code": str(flaw.status), "error_message": flaw.message, "raw_output": flaw.raw}
    return _answer(custom_id, flaw.status, reply, told)


def _answer(custom_id: bytes, status: RowStatus, reply: Reply, told: dict[str, Any]) -> Answer:
    created = reply.created
    known = created is not None and 0 < created < YEAR_2100
    return Answer(
        custom_id=custom_id,
        status=status,
        finish_reason=None if reply.finish_reason is None else shown(reply.finish_reason),
        model=None if reply.model is None else shown(reply.model),
        input_tokens=reply.input_tokens,
        cached_tokens=reply.cached_tokens,
        output_tokens=reply.output_tokens,
        reasoning_tokens=reply.reasoning_tokens,
        processed_at=datetime.fromtimestamp(created, UTC) if created is not None and known else None,
        **told,
    )
