"""`/v1/chat/completions` (API reference: Chat, create a completion)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch.endpoints.documented import (
    NO_INPUT,
    NO_OUTPUT,
    InputDetails,
    OutputDetails,
    Seconds,
    Tokens,
    decoder_of,
)
from airflow_provider_openai_batch.batch.endpoints.reply import (
    Documented,
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
        raise InvalidRequest("request['response_format'] and output_type say the same; remove one of them.")
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


class Message(msgspec.Struct, gc=False):
    """What the model says, and what it may do instead."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[Any] | None = None
    function_call: None = None


class Choice(msgspec.Struct, gc=False):
    """One of several answers."""

    message: Message
    finish_reason: str | None = None


class Usage(msgspec.Struct, gc=False):
    """The tokens of an answer."""

    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None


class Completion(msgspec.Struct, gc=False):
    """A chat completion (API reference, "The chat completion object")."""

    choices: list[Choice]
    object: str | None = None
    model: str | None = None
    created: Seconds | None = None
    usage: Usage | None = None
    error: None = None
    errors: None = None


NO_USAGE = Usage()


def reply_of(body: Completion) -> Reply | None:
    """Take what `read` would, of an answer that is nothing but a text."""
    if not body.choices or body.object == "error":
        return None
    choice = body.choices[0]
    message = choice.message
    if message.content is None or message.refusal or message.tool_calls:
        return None
    usage = body.usage or NO_USAGE
    return Reply(
        text=message.content,
        finish_reason=choice.finish_reason or None,
        model=body.model or None,
        created=body.created,
        input_tokens=usage.prompt_tokens,
        cached_tokens=(usage.prompt_tokens_details or NO_INPUT).cached_tokens,
        output_tokens=usage.completion_tokens,
        reasoning_tokens=(usage.completion_tokens_details or NO_OUTPUT).reasoning_tokens,
    )


CHAT_COMPLETIONS = Endpoint(
    name="/v1/chat/completions",
    compile=compile_text,
    with_output=with_output,
    read=read,
    preflight=True,
    documented=Documented(decoder_of(Completion), reply_of),
)
