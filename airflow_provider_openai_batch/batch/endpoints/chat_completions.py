"""`/v1/chat/completions` (API reference: Chat, create a completion)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch.endpoints.reply import Endpoint, Reply, count, mapping, word
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.output import Output

SCHEMA_NAME = "answer"


def with_output(body: dict[str, Any], output: Output) -> dict[str, Any]:
    """Append `response_format`, encoded, so that no template reads braces in the schema."""
    if output.schema is None:
        return dict(body)
    if "response_format" in body:
        raise InvalidRequest("request['response_format'] and output_type say the same; remove one of both.")
    schema = {"name": SCHEMA_NAME, "strict": output.strict, "schema": output.schema}
    response_format = {"type": "json_schema", "json_schema": schema}
    return {**body, "response_format": msgspec.Raw(msgspec.json.encode(response_format))}


def read(body: dict[str, Any]) -> Reply:
    """Read a chat completion; of several choices the first counts."""
    choices = body.get("choices")
    choice = mapping(choices[0]) if isinstance(choices, list) and choices else {}
    message = mapping(choice.get("message"))
    usage = mapping(body.get("usage"))
    created = body.get("created")
    return Reply(
        text=_text(message.get("content")),
        refusal=word(message.get("refusal")),
        finish_reason=word(choice.get("finish_reason")),
        model=word(body.get("model")),
        created=created if isinstance(created, (int, float)) else None,
        input_tokens=count(usage.get("prompt_tokens")),
        cached_tokens=count(mapping(usage.get("prompt_tokens_details")).get("cached_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        reasoning_tokens=count(mapping(usage.get("completion_tokens_details")).get("reasoning_tokens")),
    )


def _text(content: object) -> str | None:
    """Take the text; some servers send it in parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return "".join(part for part in parts if isinstance(part, str)) if parts else None


CHAT_COMPLETIONS = Endpoint(name="/v1/chat/completions", with_output=with_output, read=read)
