"""Token counts: plausible ones, not a tokenizer's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from airflow_provider_openai_batch.emulator.state.state import Usage

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.answers.draw import Draw

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4
CACHED_FROM = 1_024


def count_tokens(text: str) -> int:
    """The tokens of a text."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


class Limited(NamedTuple):
    """A text within its limit of tokens, and whether that cut it."""

    text: str
    is_cut: bool


def cut(text: str, limit: int | None) -> Limited:
    """Cut a text to its limit of tokens."""
    if limit is None or count_tokens(text) <= limit:
        return Limited(text, is_cut=False)
    return Limited(text[: limit * CHARACTERS_PER_TOKEN], is_cut=True)


def usage(draw: Draw, input_tokens: int, output_tokens: int, *, reasoning: bool) -> Usage:
    """The tokens of a request; long prompts are half cached."""
    thought = 64 * draw.below(4) if reasoning else 0
    return Usage(
        input_tokens=input_tokens,
        cached_tokens=input_tokens // 256 * 128 if input_tokens >= CACHED_FROM else 0,
        output_tokens=output_tokens + thought,
        reasoning_tokens=thought,
    )


def within(usage: Usage, limit: int | None) -> Usage:
    """Reasoning counts toward the limit, and gets what the text leaves of it."""
    if limit is None:
        return usage
    visible = usage.output_tokens - usage.reasoning_tokens
    thought = min(usage.reasoning_tokens, limit - visible)
    return replace(usage, output_tokens=visible + thought, reasoning_tokens=thought)


class PromptDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What the tokens of a prompt are."""

    cached_tokens: int
    audio_tokens: int = 0


class CompletionDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What the tokens of a completion are."""

    reasoning_tokens: int
    audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


class PromptAndCompletion(msgspec.Struct, frozen=True, kw_only=True):
    """The usage in the words of the older endpoints."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


def as_prompt_and_completion(usage: Usage) -> PromptAndCompletion:
    """The usage in the words of the older endpoints."""
    return PromptAndCompletion(
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        total_tokens=usage.input_tokens + usage.output_tokens,
        prompt_tokens_details=PromptDetails(cached_tokens=usage.cached_tokens),
        completion_tokens_details=CompletionDetails(reasoning_tokens=usage.reasoning_tokens),
    )
