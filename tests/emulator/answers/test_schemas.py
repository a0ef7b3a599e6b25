"""Answers fit what was asked, and are the same for the same request."""

from __future__ import annotations

import json

import jsonschema
import pytest

from airflow_provider_openai_batch.emulator.answers.draw import Draw
from airflow_provider_openai_batch.emulator.answers.schemas import compile_schema
from tests.emulator.conftest import make_line

TREE = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#"}},
        "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
    },
    "required": ["name", "children", "next"],
    "additionalProperties": False,
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
            "required": ["next"],
            "additionalProperties": False,
        }
    },
}
PARTS = {
    "enum": {"type": "string", "enum": ["billing", "delivery"]},
    "numbers": {"type": "integer", "enum": [1, 2, 3]},
    "const": {"const": "v1"},
    "integer": {"type": "integer", "minimum": 3, "maximum": 5},
    "exclusive": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 2},
    "number": {"type": "number", "minimum": -0.5, "maximum": 0.5},
    "open": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "step": {"type": "integer", "multipleOf": 5, "minimum": 1, "maximum": 12},
    "cents": {"type": "number", "multipleOf": 0.25, "minimum": 0, "maximum": 2},
    "negative": {"type": "integer", "maximum": -10},
    "boolean": {"type": "boolean"},
    "null": {"type": "null"},
    "optional": {"type": ["string", "null"]},
    "either": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "boolean"}}]},
    "array": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 4},
    "short": {"type": "string", "maxLength": 3},
    "long": {"type": "string", "minLength": 60},
    "all": {"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}]},
    "tree": TREE,
    **{
        f"format-{name}": {"type": "string", "format": name}
        for name in ("date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
    },
    **{
        f"pattern-{at}": {"type": "string", "pattern": pattern}
        for at, pattern in enumerate(
            (r"^[A-Z]{2}-\d{4}$", r"^(yes|no)$", r"^\+?[0-9]{5,9}$", r"^[^@\s]+@[a-z]+\.com$", r"^a.c?\w*$")
        )
    },
}


@pytest.mark.parametrize("name", PARTS)
def test_values_fit_their_schema(name):
    """Any supported schema gets values that fit it, whatever the seed."""
    schema = PARTS[name]
    make = compile_schema(schema)
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )

    for seed in range(100):
        validator.validate(make(Draw(seed, "My parcel is late, please refund it")))


def test_answers_fit_the_schema_that_was_asked(api):
    """A strict schema over all kinds of properties is answered in the order of its properties."""
    properties = {name: part for name, part in PARTS.items() if name not in ("all", "tree")}
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    asked = {"type": "json_schema", "json_schema": {"name": "everything", "strict": True, "schema": schema}}

    answers = api.answers([make_line(f"r{at}", f"text {at}", response_format=asked) for at in range(20)])

    for answer in answers.values():
        value = json.loads(answer["response"]["body"]["choices"][0]["message"]["content"])
        jsonschema.validate(value, schema)
        assert list(value) == list(properties)


def test_a_label_that_the_text_speaks_of_wins(api):
    """Answers of a demo look sensible."""
    schema = {
        "type": "object",
        "properties": {"label": {"type": "string", "enum": ["billing", "card_arrival", "other"]}},
        "required": ["label"],
        "additionalProperties": False,
    }
    asked = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}

    answers = api.answers([make_line("r", "When is the arrival of my card?", response_format=asked)])

    content = answers["r"]["response"]["body"]["choices"][0]["message"]["content"]
    assert content == '{"label":"card_arrival"}'


def test_the_same_request_gets_the_same_answer(api):
    """Answers depend on the request and the seed, not on the batch."""
    schema = {"type": "json_object"}
    lines = [
        make_line("r", "json", response_format=schema),
        make_line("s", n=2, max_completion_tokens=500),
    ]

    first, second = api.answers(lines), api.answers(lines)

    for name in ("r", "s"):
        one, other = (answers[name]["response"]["body"] for answers in (first, second))
        assert (one["choices"], one["usage"]) == (other["choices"], other["usage"])
    assert len(first["s"]["response"]["body"]["choices"]) == 2


def test_an_answer_longer_than_allowed_is_cut(api):
    """The token limit cuts the text and says so."""
    answers = api.answers([make_line("r", "x" * 100, max_completion_tokens=5)])

    choice = answers["r"]["response"]["body"]["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("length", "x" * 20)


def test_usage_adds_up(api):
    """The batch's usage is the sum of its lines'."""
    batch = api.look(api.send([make_line(f"r{at}", "word " * 1_500 * at) for at in range(4)]))

    usages = [line["response"]["body"]["usage"] for line in api.lines(batch.output_file_id)]
    assert batch.usage.input_tokens == sum(usage["prompt_tokens"] for usage in usages)
    assert batch.usage.output_tokens == sum(usage["completion_tokens"] for usage in usages)
    assert batch.usage.input_tokens_details.cached_tokens > 0


def test_a_share_of_requests_fails(api, openai_batch_emulator):
    """The fail ratio mixes permanent and transient failures."""
    openai_batch_emulator.restart(fail_ratio=0.1)

    batch = api.look(api.send([make_line(f"r{at}") for at in range(1_000)]))

    assert 50 < batch.request_counts.failed < 150
    statuses = {line["response"]["status_code"] for line in api.lines(batch.error_file_id)}
    assert statuses == {400, 429, 500}
