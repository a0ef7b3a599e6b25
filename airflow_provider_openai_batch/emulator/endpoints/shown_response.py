"""A response as the API shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.state.state import Usage


class InputDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What the tokens of an input are."""

    cached_tokens: int = 0
    cache_write_tokens: int = 0


class OutputDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What the tokens of an output are."""

    reasoning_tokens: int = 0


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """The usage in the words of this endpoint."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class ShownText(msgspec.Struct, frozen=True, kw_only=True):
    """How the text was to be written."""

    format: Any
    verbosity: str


class ShownReasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How the model was to reason."""

    effort: str | None
    summary: str | None


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A response; one that has no id and no output is what all rows of a template share."""

    id: str = ""
    object: str = "response"
    created_at: int = 0
    completed_at: int | None = None
    status: str = "completed"
    background: bool = False
    error: None = None
    incomplete_details: dict[str, str] | None = None
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    model: str
    output: list[dict[str, Any]] = []
    parallel_tool_calls: bool
    previous_response_id: None = None
    reasoning: ShownReasoning
    service_tier: str = "default"
    store: bool
    temperature: float
    text: ShownText
    tool_choice: Any
    tools: list[dict[str, Any]]
    top_logprobs: int
    top_p: float
    truncation: str
    usage: Tokens | None = None
    metadata: dict[str, str]
    #: The specification knows no null here.
    user: str | UnsetType = UNSET


def as_tokens(usage: Usage) -> Tokens:
    """The usage in the words of this endpoint."""
    return Tokens(
        input_tokens=usage.input_tokens,
        input_tokens_details=InputDetails(cached_tokens=usage.cached_tokens),
        output_tokens=usage.output_tokens,
        output_tokens_details=OutputDetails(reasoning_tokens=usage.reasoning_tokens),
        total_tokens=usage.input_tokens + usage.output_tokens,
    )
