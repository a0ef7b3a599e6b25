"""`/v1/chat/completions` (API reference: Chat, create a completion)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch.endpoints.reply import (
    Endpoint,
    Reply,
    count,
    mapping,
    mappings,
    moment,
    word,
)
from airflow_provider_openai_batch.batch.output.output import compile_text
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.output.output import Output

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
    return Reply(
        text=_text(message.get("content")),
        refusal=word(message.get("refusal")) or _refusal(message.get("content")),
        calls_tool=bool(message.get("tool_calls") or message.get("function_call")),
        finish_reason=word(choice.get("finish_reason")),
        model=word(body.get("model")),
        created=moment(body.get("created")),
        input_tokens=count(usage.get("prompt_tokens")),
        cached_tokens=count(mapping(usage.get("prompt_tokens_details")).get("cached_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        reasoning_tokens=count(mapping(usage.get("completion_tokens_details")).get("reasoning_tokens")),
    )


def _text(content: object) -> str | None:
    """Take the text; some servers send it in parts."""
    if isinstance(content, str):
        return content
    texts = [text for part in mappings(content) if isinstance(text := part.get("text"), str)]
    return "".join(texts) if texts else None


def _refusal(content: object) -> str | None:
    return "".join(text for part in mappings(content) if (text := word(part.get("refusal")))) or None


CHAT_COMPLETIONS = Endpoint(
    name="/v1/chat/completions", compile=compile_text, with_output=with_output, read=read, preflight=True
)
