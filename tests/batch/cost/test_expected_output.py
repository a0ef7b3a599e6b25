"""Promises of what a request is expected to put out."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch.batch.cost.expected_output import expected_output
from airflow_provider_openai_batch.batch.output.output import compile_output

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
LONG = {
    "type": "object",
    "properties": {"summary": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
}
NESTED = {
    "type": "object",
    "properties": {"node": {"$ref": "#/$defs/node"}},
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"child": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
        }
    },
}


@pytest.mark.parametrize(
    ("endpoint", "body", "output_type", "least", "most"),
    [
        (CHAT, {"model": "gpt-4o-mini"}, ["bug", "feature"], 4, 10),
        (CHAT, {"model": "gpt-4o-mini"}, None, 250, 250),
        (CHAT, {"model": "gpt-4o-mini"}, LONG, 150, 250),
        (CHAT, {"model": "gpt-4o-mini"}, NESTED, 10, 100),
        (CHAT, {"model": "gpt-5-mini"}, ["bug", "feature"], 300, 320),
        (CHAT, {"model": "gpt-5-mini", "reasoning_effort": "minimal"}, ["bug", "feature"], 34, 40),
        (CHAT, {"model": "gpt-5.1", "reasoning_effort": "none"}, None, 250, 250),
        (RESPONSES, {"model": "gpt-6-sol", "reasoning": {"effort": "high"}}, None, 1_250, 1_250),
        (RESPONSES, {"model": "o4-mini", "reasoning": {"summary": "auto"}}, None, 550, 550),
        (CHAT, {"model": "ft:gpt-4o-mini-2024-07-18:acme::1"}, None, 250, 250),
        (CHAT, {"model": "gpt-5-chat-latest"}, None, 250, 250),
        (CHAT, {"model": "gpt-4o-mini", "max_tokens": 16}, None, 16, 16),
        (CHAT, {"model": "gpt-5-mini", "max_completion_tokens": 300}, ["bug"], 300, 300),
        (RESPONSES, {"model": "gpt-5-mini", "max_output_tokens": 300}, None, 300, 300),
        ("/v1/embeddings", {"model": "text-embedding-3-small"}, None, 0, 0),
        ("/v1/moderations", {"model": "omni-moderation-latest"}, None, 0, 0),
    ],
)
def test_an_answer_is_judged_by_its_limit_or_its_form(endpoint, body, output_type, least, most):
    """A limit counts as it is; a label is short, free text is longer, and a reasoning model thinks first."""
    expected = expected_output(endpoint, body, compile_output(output_type).schema)

    assert least <= expected.tokens <= most
    assert expected.is_limit == any(name.startswith("max") for name in body)


@pytest.mark.parametrize("limit", [-1_000, 0, True, 1 << 31, 10**30, "16"])
def test_what_is_no_limit_makes_nothing_cheaper(limit):
    """The API refuses it; until then it neither lowers an estimate nor breaks it."""
    told = expected_output(CHAT, {"model": "gpt-4o-mini", "max_tokens": limit}, None)

    assert (told.tokens, told.is_limit) == (250, False)


def test_the_reason_says_what_was_judged():
    """A person sees which limit to set."""
    limited = expected_output(CHAT, {"model": "gpt-5-mini", "max_completion_tokens": 300}, None)
    free = expected_output(CHAT, {"model": "gpt-5-mini"}, None)

    assert limited.reason == "max_completion_tokens 300"
    assert free.reason == "250 for free text and 300 for reasoning each"
