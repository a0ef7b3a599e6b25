"""Numbers and booleans of a column, where the API takes nothing else."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments.typed_fields import FIELDS, wanted_at
from airflow_provider_openai_batch.batch.request.compile_template import compile_template
from airflow_provider_openai_batch.batch.request.typed_values import json_values
from airflow_provider_openai_batch.exceptions import InvalidRequest
from tests.batch.made import bodies

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
API = Path(__file__).parents[4] / "shared/reference/openai-batch-openapi.json"
BODIES = {
    "/chat/completions": "CreateChatCompletionRequest", "/completions": "CreateCompletionRequest",
    "/responses": "CreateResponse", "/embeddings": "CreateEmbeddingRequest",
    "/moderations": "CreateModerationRequest",
}  # fmt: skip
#: What a batch refuses or a run fixes; tokens and items of an input are no fields of their own.
FIXED = {"n", "stream", "background", "dimensions", "input", "prompt"}
NO_TEXT = {"number", "integer", "boolean"}
DEEPEST = 7


def body_of(**more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "{text}"}], **more}


def sent(body: dict[str, Any], columns: dict[str, pa.Array], endpoint: str = CHAT) -> list[dict[str, Any]]:
    template = compile_template(endpoint, body, list(columns))
    typed = {
        place: json_values(place, pa.field(place.column, columns[place.column].type), columns[place.column])
        for place in template.typed
    }
    texts = {name: ["x"] * len(column) for name, column in columns.items()}
    return [json.loads(line) for line in bodies(template, texts, typed)]


def variants(schema: dict[str, Any], known: dict[str, Any], seen: frozenset[str]) -> Any:
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in seen:
            return
        schema, seen = known[name], seen | {name}
    for word in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(word, ()):
            yield from variants(part, known, seen)
    if schema.keys() & {"type", "properties", "items", "enum"}:
        yield schema, seen


def walk(path: tuple[str, ...], schema: dict[str, Any], known: Any, seen: frozenset[str], found: Any) -> None:
    if len(path) > DEEPEST:
        return
    for part, also in variants(schema, known, seen):
        kinds = part.get("type", "object")
        found.setdefault(path, set()).update([kinds] if isinstance(kinds, str) else kinds)
        for name, inner in part.get("properties", {}).items():
            walk((*path, name), inner, known, also, found)
        for inner in (part.get("additionalProperties"), part.get("items")):
            if isinstance(inner, dict) and inner:
                walk((*path, "*"), inner, known, also, found)


@pytest.mark.skipif(not API.exists(), reason="the API's document is not here")
def test_fields_are_those_of_the_api():
    """The table holds each field that takes numbers or booleans and no text, and no other one."""
    known = json.loads(API.read_text())["components"]["schemas"]
    for endpoint, name in BODIES.items():
        found: dict[tuple[str, ...], set[str]] = {}
        walk((), known[name], known, frozenset(), found)
        typed = {
            ".".join(path): min(kinds - {"null"})
            for path, kinds in found.items()
            if kinds & NO_TEXT and kinds <= NO_TEXT | {"null"}
        }
        wanted = {
            path: kind
            for path, kind in typed.items()
            if path.split(".")[0].removesuffix("_options") not in FIXED
        }
        assert FIELDS.get(endpoint, {}) == wanted


@pytest.mark.parametrize(
    ("field", "column", "values"),
    [
        ("temperature", pa.array([0.5, 1.0, 1e-7]), [0.5, 1.0, 1e-7]),
        ("temperature", pa.array([1, 0], pa.int8()), [1, 0]),
        ("top_p", pa.array([Decimal("0.10"), None]), [0.1, ...]),
        ("top_p", pa.array([np.float16(0.25)], pa.float16()), [0.25]),
        ("temperature", pa.array([0.1], pa.float32()), [0.1]),
        ("seed", pa.array([2**62, None, -1]), [2**62, ..., -1]),
        ("seed", pa.array([5.0, None, float("nan")]), [5, ..., ...]),
        ("max_completion_tokens", pa.array([Decimal("100.00")]), [100]),
        ("store", pa.array([True, False, None]), [True, False, ...]),
        ("logprobs", pa.array([1, 0, None]), [True, False, ...]),
        ("store", pa.array([1]).dictionary_encode(), [True]),
        ("seed", pa.array([None, None], pa.string()), [..., ...]),
        ("seed", pa.nulls(2), [..., ...]),
    ],
)  # fmt: skip
def test_columns_are_sent_as_what_the_api_takes(field, column, values):
    """A number stays one, 5.0 is the integer 5, 0 and 1 are booleans; NULL leaves the field out."""
    bodies = sent(body_of(**{field: "{c}"}), {"text": pa.array(["x"] * len(column)), "c": column})

    assert [body.get(field, ...) for body in bodies] == values
    assert [type(body.get(field, ...)) for body in bodies] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("field", "column", "told"),
    [
        ("temperature", pa.array(["0.5"]), "is string; cast it in the source"),
        ("temperature", pa.array([True]), "is bool; cast it in the source"),
        ("temperature", pa.array([float("inf")]), "holds a number that is not finite"),
        ("seed", pa.array([1.5]), "holds a number with a fraction"),
        ("seed", pa.array([Decimal("1.5")]), "holds a number with a fraction"),
        ("store", pa.array([2]), "holds an integer other than 0 and 1"),
        ("store", pa.array([1.0]), "is double; cast it in the source"),
        ("store", pa.array(["true"]), "is string; cast it in the source"),
        ("seed", pa.array([b"1"]), "is binary; cast it in the source"),
    ],
)  # fmt: skip
def test_columns_of_another_type_are_refused(field, column, told):
    """The API would refuse each row: the column and its type are named before anything is sent."""
    with pytest.raises(InvalidRequest, match=told) as caught:
        sent(body_of(**{field: "{c}"}), {"text": pa.array(["x"]), "c": column})

    assert str(caught.value).startswith(f"request['{field}'] is {{c}}, and the API takes a")
    assert "column 'c'" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "columns", "line"),
    [
        ({"temperature": "{a}", "seed": "{b}", **body_of()}, ("1.5", "2"), {"temperature": 1.5, "seed": 2}),
        ({"temperature": "{a}", "seed": "{b}", **body_of()}, (None, "2"), {"seed": 2}),
        (body_of(temperature="{a}", user="u", seed="{b}"), ("1.5", None), {"temperature": 1.5, "user": "u"}),
        (body_of(temperature="{a}", seed="{b}"), (None, None), {}),
        (body_of(logit_bias={"1": "{a}", "2": "{b}"}), (None, "2"), {"logit_bias": {"2": 2}}),
        (body_of(logit_bias={"1": "{a}", "2": "{b}"}), ("1", "2"), {"logit_bias": {"1": 1, "2": 2}}),
        (body_of(logit_bias={"1": "{a}", "2": "{b}"}), (None, None), {"logit_bias": {}}),
        (body_of(logit_bias={"1": "{a}", "2": 7, "3": "{b}"}), (None, "2"), {"logit_bias": {"2": 7, "3": 2}}),
        (body_of(metadata={"n": "{a}"}), ("1", "2"), {"metadata": {"n": "x"}}),
        (body_of(user="{a}", stop="{b}"), ("1", "2"), {"user": "x", "stop": "x"}),
        (body_of(user=r"\{a}", seed="{b}"), ("1", "2"), {"user": "{a}", "seed": 2}),
    ],
)  # fmt: skip
def test_a_body_is_json_whatever_it_leaves_out(body, columns, line):
    """Members are left out without their commas, wherever they stand; what takes text gets text."""
    a, b = (None if number is None else float(number) for number in columns)
    table = {"text": pa.array(["x"]), "a": pa.array([a], pa.float64()), "b": pa.array([b], pa.float64())}

    (made,) = sent(body, table)

    assert {name: part for name, part in made.items() if name not in {"model", "messages"}} == line
    assert (made["model"], made["messages"][0]["content"]) == ("m", "x")


@pytest.mark.parametrize(
    ("endpoint", "path", "kind"),
    [
        (RESPONSES, ("tools", "*", "max_num_results"), "integer"),
        ("/responses", ("text", "format", "strict"), "boolean"),
        ("/chat/completions", ("logit_bias", "50256"), "integer"),
        (CHAT, ("metadata", "temperature"), None),
        (CHAT, ("tools", "*", "function", "parameters", "minimum"), None),
        ("/v1/embeddings", ("user",), None),
        ("/v4/other", ("temperature",), None),
    ],
)
def test_places(endpoint, path, kind):
    """Azure's paths are the same; of other endpoints nothing is known."""
    assert wanted_at(endpoint, path) == kind


def test_a_text_around_the_column_stays_text():
    """Only a value that is one column and nothing else is taken for its number."""
    template = compile_template(CHAT, body_of(temperature="{t} ", seed=r"\{t}", top_p="0.{t}"), ["text", "t"])

    assert template.typed == ()
