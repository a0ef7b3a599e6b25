"""The parameters of `/v1/responses`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw

from airflow_provider_openai_batch.emulator.bodies import (
    Metadata,
    Object,
    Retention,
    SafetyIdentifier,
    Temperature,
    TopP,
    Verbosity,
)

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Summary = Literal["concise", "detailed", "auto"]
Tier = Literal["auto", "default", "fast", "flex", "priority", "scale", "ultrafast"]
Include = Literal[
    "file_search_call.results", "web_search_call.results", "web_search_call.action.sources",
    "message.input_image.image_url", "computer_call_output.output.image_url", "code_interpreter_call.outputs",
    "reasoning.encrypted_content", "message.output_text.logprobs",
]  # fmt: skip


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the text is to be written."""

    format: Raw = Raw(b"null")
    verbosity: Verbosity = None


class Reasoning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the model is to reason."""

    effort: Effort | None = None
    summary: Summary | None = None
    generate_summary: Summary | None = None
    mode: str | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None


class StreamOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a stream is written; only a request for one may have them."""

    include_obfuscation: bool | None = None


class CreateResponse(msgspec.Struct, forbid_unknown_fields=True):
    """The parameters of a response, in the order of their checks; unknown ones are refused."""

    model: str = ""
    input: Any = None
    previous_response_id: str | None = None
    conversation: str | dict[str, Any] | None = None
    prompt: Object = None
    access_programs: Any = None
    background_options: Any = None
    image: Any = None
    moderation: Object = None
    include: list[Include] | None = None
    tools: Annotated[list[dict[str, Any]], Meta(description="an array of tools")] | None = None
    metadata: Metadata = None
    text: Text = Text()
    temperature: Temperature = None
    top_p: TopP = None
    tool_choice: dict[str, Any] | Literal["none", "auto", "required"] | None = "auto"
    parallel_tool_calls: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    background: bool | None = None
    max_output_tokens: Annotated[int, Meta(ge=16)] | None = None
    max_tool_calls: Annotated[int, Meta(ge=1)] | None = None
    reasoning: Reasoning | None = None
    user: str | None = None
    safety_identifier: SafetyIdentifier = None
    prompt_cache_options: Object = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: Retention = None
    truncation: Literal["auto", "disabled"] | None = None
    instructions: str | None = None
    store: bool | None = None
    service_tier: Tier | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    context_management: Annotated[list[dict[str, Any]], Meta(min_length=1)] | None = None
