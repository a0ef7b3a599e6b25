"""`/v1/responses` (API reference: Responses, create a model response)."""

from __future__ import annotations

from collections.abc import Mapping
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
        raise InvalidRequest("request['text']['format'] and output_type say the same; remove one of both.")
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


RESPONSES = Endpoint(
    name="/v1/responses", compile=compile_text, with_output=with_output, read=read, preflight=True
)
