"""The format of an answer is checked alike for chat and for responses; only the names differ."""

from __future__ import annotations

import json

import pytest

from tests.emulator.conftest import make_request

OBJECT = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}
GOOD = {"name": "x", "strict": True, "schema": OBJECT}


def chat(custom_id: str, kind: str, **details: object) -> dict:
    """A chat request for this format."""
    form = {"type": kind, **({"json_schema": details} if details else {})}
    return make_request("chat/completions", custom_id, response_format=form)


def response(custom_id: str, kind: str, **details: object) -> dict:
    """The same as a request for a response."""
    return make_request("responses", custom_id, text={"format": {"type": kind, **details}})


#: kind, details, the parameter of chat, the parameter of responses, a part of the message.
WRONG = [
    ("xml", {}, "response_format.type", "text.format.type", "Supported values are: 'json_object'"),
    ("json_schema", GOOD | {"name": None}, "{}.name", "{}.name", "Missing required parameter"),
    ("json_schema", GOOD | {"name": "a b"}, "{}.name", "{}.name", "does not match pattern"),
    ("json_schema", GOOD | {"name": "a" * 65}, "{}.name", "{}.name", "string too long"),
    ("json_schema", GOOD | {"schema": None}, "{}.schema", "{}.schema", "Missing required parameter"),
    ("json_schema", GOOD | {"schema": {}}, "response_format", "text.format.schema", "In context=(),"),
    (
        "json_schema",
        GOOD | {"schema": OBJECT | {"required": []}},
        "response_format",
        "text.format.schema",
        "Invalid schema for response_format 'x': In context=(), 'required' is",
    ),
    (
        "json_schema",
        {"name": "x", "schema": {"type": "object", "properties": 5}},
        "response_format",
        "text.format.schema",
        "not a valid JSON Schema",
    ),
    (
        "json_schema",
        {"name": "x", "schema": {"$ref": "#/$defs/gone"}},
        "response_format",
        "text.format.schema",
        "not a valid JSON Schema",
    ),
    ("json_object", {}, "messages", "input", "must contain the word 'json'"),
]  # fmt: skip


@pytest.mark.parametrize("make", [chat, response])
def test_wrong_formats(api, make):
    """Each wrong format is a 400 of its request, which names the parameter."""
    prefix = "response_format.json_schema" if make is chat else "text.format"
    lines = [make(str(at), kind, **details) for at, (kind, details, *_) in enumerate(WRONG)]

    answers = api.answers(lines)

    for at, (_, _, of_chat, of_response, text) in enumerate(WRONG):
        answer = answers[str(at)]["response"]
        error = answer["body"]["error"]
        assert answer["status_code"] == 400
        assert error["param"] == (of_chat if make is chat else of_response).format(prefix)
        assert text in error["message"]
        assert (error["code"] == "invalid_json_schema") == (
            make is response and "In context" in error["message"]
        )


def test_formats_that_are_missing(api):
    """A schema without details, or a format without a type, lacks a parameter."""
    lines = [
        chat("details", "json_schema"),
        make_request("chat/completions", "type", response_format={}),
        make_request("chat/completions", "none", response_format=None),
    ]

    answers = api.answers(lines)

    errors = {name: answers[name]["response"]["body"].get("error") for name in answers}
    assert errors["details"]["param"] == "response_format.json_schema"
    assert errors["type"]["param"] == "response_format.type"
    assert errors["none"] is None


def test_fine_tuned_models_refuse_constraints(api):
    """The same schema passes for a base model."""
    schema = OBJECT | {"properties": {"a": {"type": "integer", "minimum": 3}}}
    lines = [response(name, "json_schema", **GOOD | {"schema": schema}) for name in ("base", "tuned")]
    lines[1]["body"]["model"] = "ft:gpt-4.1:me::1"

    codes = {}
    for line in lines:
        codes |= {name: one["response"]["status_code"] for name, one in api.answers([line]).items()}

    assert codes == {"base": 200, "tuned": 400}


def test_loose_schemas_are_answered(api):
    """Without strict mode a schema may hold what strict mode refuses."""
    schema = {"type": "object", "properties": {"a": {"type": "string", "default": "x"}}}

    answers = api.answers([chat("r", "json_schema", name="x", schema=schema)])

    content = answers["r"]["response"]["body"]["choices"][0]["message"]["content"]
    assert isinstance(json.loads(content)["a"], str)


LOOPS = {
    "endless": {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    "itself": {"$ref": "#"},
    "gone": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/gone"}]},
    "bounds": {"type": "array", "minItems": "two"},
    "merged": {"allOf": 5},
}


@pytest.mark.parametrize("make", [chat, response])
def test_schemas_that_nothing_fits(api, make):
    """What no value can be drawn for is a 400 of its request, and stops no batch."""
    lines = [make(name, "json_schema", name="x", schema=schema) for name, schema in LOOPS.items()]

    answers = api.answers([*lines, make("good", "json_schema", **GOOD)])

    statuses = {name: answers[name]["response"]["status_code"] for name in answers}
    assert statuses == dict.fromkeys(LOOPS, 400) | {"good": 200}
