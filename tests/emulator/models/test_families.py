"""What a model's family does not take is refused as OpenAI refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Api

MESSAGES = [{"role": "user", "content": "hello"}]
REASONING, PLAIN = "gpt-5-mini", "gpt-4o-mini"


@pytest.mark.parametrize(
    ("model", "body", "code", "param"),
    [
        (REASONING, {"temperature": 0}, "unsupported_value", "temperature"),
        (REASONING, {"top_p": 0.5}, "unsupported_parameter", "top_p"),
        (REASONING, {"max_tokens": 5}, "unsupported_parameter", "max_tokens"),
        (REASONING, {"logprobs": True}, "unsupported_parameter", "logprobs"),
        ("o3", {"presence_penalty": 1}, "unsupported_parameter", "presence_penalty"),
        ("o4-mini", {"temperature": 0.1}, "unsupported_value", "temperature"),
        ("o3-mini", {"temperature": 0.1}, "unsupported_parameter", "temperature"),
        (PLAIN, {"reasoning_effort": "low"}, None, None),
        (PLAIN, {"max_tokens": 5, "max_completion_tokens": 5}, "invalid_parameter_combination", "max_tokens"),
        (PLAIN, {"stop": ["a"] * 5}, "array_above_max_length", "stop"),
        (PLAIN, {"metadata": {str(n): "x" for n in range(17)}}, "object_above_max_properties", "metadata"),
        (PLAIN, {"metadata": {"a": "x" * 513}}, "string_above_max_length", "metadata.a"),
    ],
)
def test_chat_refuses(api: Api, model: str, body: dict[str, Any], code: str | None, param: str | None):
    """A request that production would refuse does not end well here."""
    with pytest.raises(openai.BadRequestError) as caught:
        api.client.chat.completions.create(model=model, messages=MESSAGES, extra_body=body)  # type: ignore[arg-type]

    assert (caught.value.code, caught.value.param) == (code, param)


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (REASONING, {"temperature": 1, "max_completion_tokens": 50, "reasoning_effort": "low"}),
        ("gpt-5.1", {"temperature": 0, "reasoning_effort": "none"}),
        (PLAIN, {"temperature": 0, "max_tokens": 5, "logprobs": True, "stop": ["a"] * 4}),
    ],
)
def test_chat_takes(api: Api, model: str, body: dict[str, Any]):
    """What the family does take is answered."""
    assert api.client.chat.completions.create(model=model, messages=MESSAGES, extra_body=body).choices  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "body", "param"),
    [
        (REASONING, {"temperature": 0}, "temperature"),
        (REASONING, {"top_logprobs": 3}, "top_logprobs"),
        (PLAIN, {"reasoning": {"effort": "low"}}, "reasoning.effort"),
    ],
)
def test_responses_refuse(api: Api, model: str, body: dict[str, Any], param: str):
    """The same by the Responses API."""
    with pytest.raises(openai.BadRequestError) as caught:
        api.client.responses.create(model=model, input="hello", extra_body=body)

    assert caught.value.param == param


@pytest.mark.parametrize("model", ["gpt-5-minni", "gpt-7", "o9", "text-embedding-4"])
def test_unknown_model_does_not_exist(api: Api, model: str):
    """A name that only looks like one of OpenAI's is refused."""
    with pytest.raises(openai.NotFoundError) as caught:
        api.client.chat.completions.create(model=model, messages=MESSAGES)  # type: ignore[arg-type]

    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize("model", ["gpt-5-mini-2025-08-07", "ft:gpt-4.1-mini-2025-04-14:acme::abc"])
def test_snapshots_and_tuned_models_exist(api: Api, model: str):
    """A dated or a tuned model is one of the list."""
    assert api.client.models.retrieve(model).id == model
