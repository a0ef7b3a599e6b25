"""What is wrong with a line fails the batch; what is wrong with a body fails its request."""

from __future__ import annotations

import json

import pytest

from tests.emulator.conftest import make_line, make_lines


def without(name: str) -> dict:
    """A line that lacks one of its keys."""
    return {key: value for key, value in make_line("bad").items() if key != name}


WRONG_LINES = [
    (b"{nonsense\n", "invalid_json_line", None, "This line is not parseable as valid JSON."),
    *(
        (without(name), "missing_required_parameter", name, f"Missing required parameter: '{name}'.")
        for name in ("custom_id", "method", "url", "body")
    ),
    (make_line("bad") | {"url": "/v1/responses"}, "invalid_url", "url", "does not match the batch endpoint."),
    (make_line("bad", model=None), "invalid_request", "body.model", "Model parameter is required."),
    (make_line("bad", messages=None), "invalid_request", "body.messages", "Messages parameter is required."),
    (
        make_line("bad", model="nothing"),
        "model_not_found",
        "body.model",
        "The provided model 'nothing' is not",
    ),
    (
        make_line("bad", model="gpt-4.1"),
        "mismatched_model",
        "body.model",
        "does not match the rest of the batch.",
    ),
    (
        make_line("r1"),
        "duplicate_custom_id",
        "custom_id",
        "The custom_id 'r1' for this request is a duplicate",
    ),
    (
        json.dumps(make_line("bad", model="half")).replace("half", "\\ud800").encode() + b"\n",
        "invalid_json_line",
        None,
        "This line is not parseable as valid JSON.",
    ),
    (make_line("bad", stream=True), "streaming_unsupported", "body.stream", "Streaming is not supported"),
]


@pytest.mark.parametrize("wrong", WRONG_LINES)
def test_a_wrong_line_fails_the_batch(api, openai_batch_emulator, wrong):
    """Every wrong line is reported with its number, and nothing is executed."""
    line, code, param, text = wrong
    bad = line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
    good = b"".join(json.dumps(one).encode() + b"\n" for one in make_lines(3))

    batch = api.look(api.send(good + bad + b"{also nonsense\n"))

    assert batch.status == "failed"
    assert (batch.output_file_id, batch.error_file_id, batch.request_counts.total) == (None, None, 0)
    first, second = batch.errors.data
    assert (first.code, first.param, first.line) == (code, param, 4)
    assert text in first.message
    assert (second.code, second.line) == ("invalid_json_line", 5)
    assert openai_batch_emulator.ledger == []


def test_too_many_requests_fail_the_batch(api, openai_batch_emulator):
    """More requests than a file may hold fail the whole file."""
    openai_batch_emulator.restart(requests_per_batch=2)

    batch = api.look(api.send(make_lines(3)))

    assert [error.code for error in batch.errors.data] == ["too_many_tasks"]


def schema_of(**schema: object) -> dict:
    """A response format with a strict schema."""
    return {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}


CLOSED = {"type": "object", "additionalProperties": False}
WRONG_BODIES = [
    ({"messages": []}, "messages"),
    ({"messages": "hello"}, "messages"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
    (
        {"messages": [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}]},
        "messages[0].content[0].type",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]},
        "messages[0].content[0].text",
    ),
    ({"temperature": 3}, "temperature"),
    ({"temperature": "warm"}, "temperature"),
    ({"max_completion_tokens": 0}, "max_completion_tokens"),
    ({"max_tokenz": 5}, "max_tokenz"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ({"response_format": schema_of(type="array", items={"type": "string"})}, "response_format"),
    ({"response_format": schema_of(type="object", properties={}, required=[])}, "response_format"),
    (
        {"response_format": schema_of(**CLOSED, properties={"a": {"type": "string"}}, required=[])},
        "response_format",
    ),
    (
        {
            "response_format": schema_of(
                **CLOSED, properties={"a": {"type": "string", "default": "x"}}, required=["a"]
            )
        },
        "response_format",
    ),
]


@pytest.mark.parametrize(("body", "param"), WRONG_BODIES)
def test_a_wrong_body_fails_its_request(api, body, param):
    """The request is in the error file with status 400, as the synchronous API words it; the others run."""
    answers = api.answers([make_line("bad", **body), make_line("good")])

    response = answers["bad"]["response"]
    assert (response["status_code"], answers["bad"]["error"]) == (400, None)
    assert response["body"]["error"]["param"] == param
    assert response["body"]["error"]["type"] == "invalid_request_error"
    assert answers["good"]["response"]["status_code"] == 200


def test_a_prompt_beyond_the_context_fails_its_request(api, openai_batch_emulator):
    """A too long prompt has the API's code."""
    openai_batch_emulator.restart(context_tokens=50)

    answers = api.answers([make_line("long", "x" * 1_000), make_line("short")])

    assert answers["long"]["response"]["body"]["error"]["code"] == "context_length_exceeded"
    assert answers["short"]["response"]["status_code"] == 200


def test_odd_texts_come_back_as_they_went(api):
    """Separators, control characters, and other scripts survive the way there and back."""
    text = "a\u2028b\u2029c\x85d\u0000e {text} {{ 7*7 }} \U0001f600"

    answers = api.answers([make_line("r", text)])

    assert answers["r"]["response"]["body"]["choices"][0]["message"]["content"] == text


def test_bytes_that_are_no_utf8_fail_the_batch(api):
    """A line is text; empty lines between lines keep the numbers right."""
    good = json.dumps(make_line("a")).encode()

    batch = api.look(api.send(good + b"\n\n" + good.replace(b"hello", b"\xff")))

    assert [(error.code, error.line) for error in batch.errors.data] == [("invalid_json_line", 3)]
