"""Completions go on with the prompt's own words."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.emulator.conftest import make_request


def make(custom_id: str = "r0", **body: Any) -> dict[str, Any]:
    """One line of a batch of completions."""
    return make_request("completions", custom_id, **body)


def choices_of(api, **body: Any) -> list[tuple[str, str]]:
    """Text and reason of each choice of one request in a batch."""
    answer = api.answers([make(**body)])["r0"]["response"]["body"]
    return [(choice["text"], choice["finish_reason"]) for choice in answer["choices"]]


def test_at_once_and_in_a_batch(api, openai_batch_emulator):
    """The official client reads the same text from both, and the ledger has both."""
    at_once = api.client.completions.create(**make(prompt="Where is it?")["body"])

    assert (
        [(at_once.choices[0].text, "stop")]
        == choices_of(api, prompt="Where is it?")
        == [("Where is it?", "stop")]
    )
    assert at_once.usage.prompt_tokens == at_once.usage.completion_tokens == 3
    assert [one.url for one in openai_batch_emulator.ledger] == ["/v1/completions"] * 2


def test_several_choices(api):
    """Of several prompts, several times; an echo comes first, and 16 tokens are the default."""
    assert choices_of(api, prompt=["a", "b"], n=2) == [(text, "stop") for text in "aabb"]
    assert choices_of(api, prompt="ab", echo=True) == [("abab", "stop")]
    assert choices_of(api, prompt="x" * 100) == [("x" * 64, "length")]
    assert choices_of(api, prompt=[1, 2], max_tokens=0) == [("", "stop")]


#: body, status, param, code.
WRONG = [
    ({"prompt": ...}, 400, "prompt", "missing_required_parameter"),
    ({"prompt": 5}, 400, None, None),
    ({"n": 0}, 400, "n", "integer_below_min_value"),
    ({"logprobs": 6}, 400, "logprobs", "integer_above_max_value"),
    ({"max_tokens": "x"}, 400, "max_tokens", "invalid_type"),
    ({"messages": []}, 400, "messages", "unknown_parameter"),
]


def test_wrong_bodies(api):
    """Each is a 400 of its request that names the parameter and the code."""
    answers = api.answers([make(str(at), **body) for at, (body, *_) in enumerate(WRONG)])

    for at, (_, *expected) in enumerate(WRONG):
        answer = answers[str(at)]["response"]
        error = answer["body"]["error"]
        assert [answer["status_code"], error["param"], error["code"]] == expected


def test_a_model_that_chats(api):
    """It is not for this endpoint."""
    with pytest.raises(openai.NotFoundError, match="chat model"):
        api.client.completions.create(model="gpt-5", prompt="x")


def test_a_prompt_beyond_the_context(api, openai_batch_emulator):
    """It has the API's code."""
    openai_batch_emulator.restart(context_tokens=50)

    answer = api.answers([make(prompt="x" * 1_000)])["r0"]["response"]

    assert answer["body"]["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("truncated", "text", "length"),
        ("content_filter", "", "content_filter"),
        ("misfit", "Sure! Here is what I think about it: {it depends", "stop"),
        ("refusal", "texttext", "stop"),
    ],
)
def test_faults(api, openai_batch_emulator, name, text, reason):
    """Faults that the endpoint has no word for leave the answer alone."""
    openai_batch_emulator.fault(name, share=1)

    assert choices_of(api, prompt="texttext") == [(text, reason)]
