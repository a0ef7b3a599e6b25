"""`/v1/responses` (API reference: Responses, create a model response)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

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
#: Items that wait for the client; searches, code, and MCP calls are run by the API itself.
CLIENT_CALLS = frozenset({
    "function_call", "custom_tool_call", "computer_call", "local_shell_call", "apply_patch_call",
    "mcp_approval_request",
})  # fmt: skip


def with_output(body: dict[str, Any], output: Output) -> dict[str, Any]:
    """Put `text.format`, encoded, last into the user's `text`, or append both."""
    if output.schema is None:
        return dict(body)
    text = body.get("text", {})
    if not isinstance(text, Mapping):
        raise InvalidRequest(f"request['text'] is a {type(text).__name__}; give a dict, or leave it out.")
    if "format" in text:
        raise InvalidRequest("request['text']['format'] and output_type say the same; remove one of them.")
    form = {"type": "json_schema", "name": SCHEMA_NAME, "strict": output.strict, "schema": output.schema}
    return {**body, "text": {**text, "format": msgspec.Raw(msgspec.json.encode(form))}}


def read(body: dict[str, Any]) -> Reply:
    """Read a response; reasoning may come first, and there may be several messages."""
    items = mappings(body.get("output"))
    contents = [part for item in items if item.get("type") == "message" for part in _contents(item)]
    texts = [text for part in contents if isinstance(text := part.get("text"), str)]
    refusals = [text for part in contents if (text := word(part.get("refusal")))]
    usage = mapping(body.get("usage"))
    return Reply(
        text="".join(texts) if texts else None,
        parts=tuple(texts),
        refusal="".join(refusals) or None,
        calls_tool=any(word(item.get("type")) in CLIENT_CALLS for item in items),
        finish_reason=_finish_reason(body),
        model=word(body.get("model")),
        created=moment(body.get("created_at")),
        input_tokens=count(usage.get("input_tokens")),
        cached_tokens=count(mapping(usage.get("input_tokens_details")).get("cached_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        reasoning_tokens=count(mapping(usage.get("output_tokens_details")).get("reasoning_tokens")),
    )


def _contents(item: dict[str, Any]) -> list[dict[str, Any]]:
    return mappings(item.get("content"))


def _finish_reason(body: dict[str, Any]) -> str | None:
    """Say how the response ended; of an incomplete one why."""
    status = word(body.get("status"))
    if status != "incomplete":
        return status
    return word(mapping(body.get("incomplete_details")).get("reason")) or status


class Part(msgspec.Struct, gc=False):
    """A part of a message."""

    text: str | None = None
    refusal: str | None = None


class Item(msgspec.Struct, gc=False):
    """A message, or what the model thought before it."""

    type: Literal["message", "reasoning"]
    content: list[Part] | None = None


class Usage(msgspec.Struct, gc=False):
    """The tokens of a response."""

    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class Response(msgspec.Struct, gc=False):
    """A response (API reference, "The response object")."""

    output: list[Item]
    status: str | None = None
    object: str | None = None
    model: str | None = None
    created_at: Seconds | None = None
    usage: Usage | None = None
    error: None = None
    errors: None = None


NO_USAGE = Usage()


def reply_of(body: Response) -> Reply | None:
    """Take what `read` would, of a response that is nothing but one text."""
    parts = [part for item in body.output if item.type == "message" for part in item.content or ()]
    if body.object == "error" or len(parts) != 1 or parts[0].text is None or parts[0].refusal:
        return None
    usage = body.usage or NO_USAGE
    return Reply(
        text=parts[0].text,
        finish_reason=body.status or None,
        model=body.model or None,
        created=body.created_at,
        input_tokens=usage.input_tokens,
        cached_tokens=(usage.input_tokens_details or NO_INPUT).cached_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=(usage.output_tokens_details or NO_OUTPUT).reasoning_tokens,
    )


RESPONSES = Endpoint(
    name="/v1/responses",
    compile=compile_text,
    with_output=with_output,
    read=read,
    preflight=True,
    documented=Documented(decoder_of(Response), reply_of),
)
