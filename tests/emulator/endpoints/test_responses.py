"""Responses are checked and answered as the API does, in a batch and at once."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.emulator.conftest import make_request

OBJECT = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["billing", "delivery"]}},
    "required": ["label"],
    "additionalProperties": False,
}
FORMAT = {"format": {"type": "json_schema", "name": "x", "strict": True, "schema": OBJECT}}


def make(custom_id: str = "r0", **body: Any) -> dict[str, Any]:
    """One line of a batch of responses."""
    return make_request("responses", custom_id, **body)


def answer_of(api, **body: Any) -> dict[str, Any]:
    """The answer of one request in a batch."""
    return api.answers([make(**body)])["r0"]["response"]["body"]


def user(*parts: Any) -> list[dict[str, Any]]:
    """An input of one message."""
    return [{"role": "user", "content": parts[0] if len(parts) == 1 else list(parts)}]


def part(text: str) -> dict[str, Any]:
    """A part of a message that is text."""
    return {"type": "input_text", "text": text}


def text_of(body: dict[str, Any]) -> str:
    """The text of the last message."""
    return body["output"][-1]["content"][0]["text"]


def test_at_once_and_in_a_batch(api, openai_batch_emulator):
    """The official client reads the same text from both, and the ledger has both."""
    at_once = api.client.responses.create(**make(input="Where is it?")["body"])
    in_batch = answer_of(api, input="Where is it?")

    assert at_once.output_text == text_of(in_batch) == "Where is it?"
    assert at_once.usage.input_tokens == in_batch["usage"]["input_tokens"]
    ledger = [(one.custom_id, one.url, one.status) for one in openai_batch_emulator.ledger]
    assert ledger == [(None, "/v1/responses", 200), ("r0", "/v1/responses", 200)]


INPUTS = [
    ("hello", "hello"),
    (user("hello"), "hello"),
    (user(part("a"), part("b")), "a\nb"),
    (user(part("a"), {"type": "input_image", "image_url": "https://example.com/a.png"}), "a"),
    ([{"type": "message", "role": "developer", "content": "hello"}], "hello"),
    ([*user("first"), {"role": "assistant", "content": "second"}], "first"),
    ([{"type": "reasoning", "id": "rs_1", "summary": []}, *user("hello")], "hello"),
    ([{"type": "function_call_output", "call_id": "c", "output": "5"}], ""),
]


def test_inputs(api):
    """A text, messages, and messages of parts are read."""
    answers = api.answers([make(str(at), input=given) for at, (given, _) in enumerate(INPUTS)])

    for at, (_, text) in enumerate(INPUTS):
        assert text_of(answers[str(at)]["response"]["body"]) == text


def test_a_schema_is_answered(api):
    """The answer fits the schema and is about the text; instructions are not the text."""
    body = answer_of(api, input="My delivery is late", instructions="billing", text=FORMAT)

    assert json.loads(text_of(body)) == {"label": "delivery"}
    assert body["text"]["format"]["name"] == "x"


def test_json_without_a_schema(api):
    """The word may stand in the instructions."""
    body = answer_of(api, instructions="Write JSON.", text={"format": {"type": "json_object"}})

    assert json.loads(text_of(body)) == {"answer": "hello"}


@pytest.mark.parametrize(
    ("model", "effort", "kinds"),
    [
        ("gpt-5-mini", None, ["reasoning", "message"]),
        ("o4-mini", "high", ["reasoning", "message"]),
        ("gpt-6-sol", "none", ["message"]),
        ("gpt-4.1", None, ["message"]),
    ],
)
def test_reasoning_comes_first(api, model, effort, kinds):
    """Models that reason put an item before the message, unless told not to."""
    body = answer_of(api, model=model, reasoning={"effort": effort} if effort else ...)

    assert [item["type"] for item in body["output"]] == kinds
    assert body["model"] == f"{model}-2026-03-05"


def test_the_output_limit(api):
    """An answer that is cut is incomplete; reasoning and text stay within the limit."""
    lines = [make(f"r{at}", input="x" * 100 + str(at), max_output_tokens=16) for at in range(20)]
    lines += [make("short", max_output_tokens=16)]

    answers = {name: line["response"]["body"] for name, line in api.answers(lines).items()}

    short = answers.pop("short")
    assert (short["status"], short["incomplete_details"]) == ("completed", None)
    for body in answers.values():
        assert (body["status"], body["output"][-1]["status"]) == ("incomplete", "incomplete")
        assert body["incomplete_details"] == {"reason": "max_output_tokens"}
        assert text_of(body) == "x" * 64
        assert body["usage"]["output_tokens"] == 16


def test_usage_adds_up(api):
    """The batch's usage is the sum of its lines', cached and reasoning tokens included."""
    batch = api.look(api.send([make(f"r{at}", input="word " * 1_500 * at or "x") for at in range(4)]))

    usages = [line["response"]["body"]["usage"] for line in api.lines(batch.output_file_id)]
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        assert getattr(batch.usage, name) == sum(usage[name] for usage in usages)
    cached = batch.usage.input_tokens_details.cached_tokens
    assert cached == sum(usage["input_tokens_details"]["cached_tokens"] for usage in usages) > 0
    reasoning = batch.usage.output_tokens_details.reasoning_tokens
    assert reasoning == sum(usage["output_tokens_details"]["reasoning_tokens"] for usage in usages)


#: body, param, code, a part of the message.
WRONG = [
    ({"input": ...}, "input", "missing_required_parameter", "Missing required parameter: 'input'"),
    ({"input": []}, "input", "empty_array", "minimum length 1"),
    ({"input": 5}, "input", "invalid_type", "expected one of a string or array of input items"),
    ({"input": ["hello"]}, "input[0]", "invalid_type", "expected an input item"),
    ({"input": [{"type": "msg"}]}, "input[0].type", "invalid_value", "Supported values are: 'message'"),
    ({"input": [{"role": "tool"}]}, "input[0].role", "invalid_value", "'assistant', 'developer'"),
    ({"input": user(None)}, "input[0].content", "invalid_type", "expected one of a string"),
    ({"input": user(["x"])}, "input[0].content[0]", "invalid_type", "expected an object"),
    ({"input": user([{"type": "text"}])}, "input[0].content[0].type", "invalid_value", "'input_text'"),
    ({"input": user([{"type": "input_text"}])}, "input[0].content[0].text", "invalid_type", "a string"),
    ({"instructions": 5}, "instructions", "invalid_type", "expected a string, but got an integer instead"),
    ({"temperature": 2.5}, "temperature", "decimal_above_max_value", "<= 2, but got 2.5"),
    ({"top_p": -1}, "top_p", "decimal_below_min_value", ">= 0, but got -1 instead"),
    ({"max_output_tokens": 15}, "max_output_tokens", "integer_below_min_value", ">= 16, but got 15"),
    ({"metadata": {"a": 1}}, "metadata.a", "invalid_type", "expected a string"),
    ({"truncation": "yes"}, "truncation", "invalid_value", "'auto' and 'disabled'"),
    ({"n": 2}, "n", "unknown_parameter", "Unknown parameter: 'n'."),
    ({"text": {"form": {}}}, "text.form", "unknown_parameter", "Unknown parameter: 'text.form'."),
    ({"reasoning": {"effort": 5}}, "reasoning.effort", "invalid_type", "Invalid type"),
    ({"messages": []}, "messages", "unsupported_parameter", "has moved to 'input'"),
    ({"max_tokens": 5}, "max_tokens", "unsupported_parameter", "has moved to 'max_output_tokens'"),
    ({"response_format": {}}, "response_format", "unsupported_parameter", "has moved to 'text.format'"),
    ({"previous_response_id": "r1"}, "previous_response_id", "previous_response_not_found", "'r1' not found"),
    ({"input": ..., "prompt": {"id": "pmpt_1"}}, "prompt", None, "Prompt with id 'pmpt_1' not found"),
    ({"background": True}, "background", None, "answers synchronously"),
]  # fmt: skip


def test_wrong_bodies(api):
    """Each is a 400 of its request that names the parameter and the code."""
    answers = api.answers([make(str(at), **body) for at, (body, *_) in enumerate(WRONG)])

    for at, (_, param, code, text) in enumerate(WRONG):
        answer = answers[str(at)]["response"]
        error = answer["body"]["error"]
        assert (answer["status_code"], error["param"], error["code"]) == (400, param, code)
        assert text in error["message"]


def test_models_of_other_endpoints(api):
    """A model that embeds does not respond."""
    answer = api.answers([make(model="text-embedding-3-small")])["r0"]["response"]

    assert (answer["status_code"], answer["body"]["error"]["param"]) == (400, "model")


def test_a_prompt_beyond_the_context(api, openai_batch_emulator):
    """It has the API's code."""
    openai_batch_emulator.restart(context_tokens=50)

    error = answer_of(api, input="x" * 1_000)["error"]

    assert (error["code"], error["param"]) == ("context_length_exceeded", "input")


def test_refusals_at_once(api):
    """The official client raises its errors; a stream is not given."""
    with pytest.raises(openai.BadRequestError) as caught:
        api.client.responses.create(model="gpt-5-mini", input="x", temperature=3)
    assert caught.value.param == "temperature"
    with pytest.raises(openai.NotFoundError):
        api.client.responses.create(model="nothing", input="x")
    with pytest.raises(openai.BadRequestError, match="does not stream"):
        api.client.responses.create(model="gpt-5-mini", input="x", stream=True)


def test_streams_fail_the_batch(api):
    """As those of chat do."""
    batch = api.look(api.send([make(stream=True)]))

    assert [error.code for error in batch.errors.data] == ["streaming_unsupported"]


def shape(item: dict[str, Any]) -> str:
    """The type of an item, and of a message that of its part."""
    return item["content"][0]["type"] if item["type"] == "message" else item["type"]


def last(body: dict[str, Any]) -> Any:
    """What the last item says."""
    item = body["output"][-1]
    (said,) = item.get("content") or [item]
    return said.get("text") or said.get("refusal") or said.get("arguments")


LONG = ("incomplete", "max_output_tokens")
DONE = ("completed", None)
#: fault -> the items after the reasoning, the status with its reason, the last text.
FAULTS = {
    "refusal": (["refusal"], DONE, "I'm sorry, I can't assist with that request."),
    "truncated": (["output_text"], LONG, "text"),
    "no_text": ([], LONG, None),
    "content_filter": ([], ("incomplete", "content_filter"), None),
    "misfit": (["output_text"], DONE, "Sure! Here is what I think about it: {it depends"),
    "separators": (["output_text"], DONE, "texttext\x85\u2028\u2029"),
    "tool_calls": (["function_call"], DONE, '{"question":"?"}'),
    "several_messages": (["output_text", "output_text"], DONE, "texttext"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(api, openai_batch_emulator, name):
    """Each fault of answers looks as it does in this endpoint."""
    openai_batch_emulator.fault(name, share=1)
    kinds, status, text = FAULTS[name]

    body = answer_of(api, input="texttext")

    assert [shape(item) for item in body["output"]] == ["reasoning", *kinds]
    assert (body["status"], (body["incomplete_details"] or {}).get("reason")) == status
    assert last(body) == text


def test_status_zero_and_failures(api, openai_batch_emulator):
    """Faults that need no endpoint work as for chat."""
    openai_batch_emulator.fault("status_zero", share=0.5)
    openai_batch_emulator.fault("fail_requests", share=0.2, status=429)

    statuses = {
        one["response"]["status_code"] for one in api.answers([make(f"r{at}") for at in range(60)]).values()
    }

    assert statuses == {0, 200, 429}


def test_only_its_own_route_fails(api, openai_batch_emulator):
    """A fault of the route `responses` leaves chat alone."""
    openai_batch_emulator.fault("server_error", route="responses")

    api.client.chat.completions.create(**make_request("chat/completions")["body"])
    with pytest.raises(openai.InternalServerError):
        api.client.responses.create(**make()["body"])
