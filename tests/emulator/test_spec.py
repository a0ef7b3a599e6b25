"""Every answer validates against the official specification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_type_hints

import jsonschema
import msgspec
import pytest

from airflow_provider_openai_batch.emulator.endpoints import completions, embeddings, responses
from airflow_provider_openai_batch.emulator.endpoints.chat import Chat
from airflow_provider_openai_batch.emulator.endpoints.known_endpoints import ANSWERED
from airflow_provider_openai_batch.emulator.settings import Settings
from tests.emulator.conftest import make_line, make_lines, make_request

SPEC = Path(__file__).parents[3] / "shared/reference/openai-batch-openapi.json"
pytestmark = pytest.mark.skipif(not SPEC.exists(), reason=f"{SPEC.name} is not beside the repository")


@pytest.fixture(scope="module")
def validate():
    """A function that checks a value against a named schema of the specification."""
    components = json.loads(SPEC.read_text())["components"]

    def check(name: str, value: object) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        jsonschema.Draft202012Validator(schema).validate(value)

    return check


def get(api, path: str, **query: object) -> object:
    """The JSON of a route, untouched by the client's models."""
    return api.client.get(path, cast_to=object, options={"params": query})


def test_batches_at_every_stage(api, openai_batch_emulator, validate):
    """A batch is a valid object in each of its eight statuses."""
    openai_batch_emulator.take(1_000)
    openai_batch_emulator.fault("fail_validation", times=1)
    openai_batch_emulator.fault("expire", times=1, skip=1)
    openai_batch_emulator.fault("cancel", times=1, skip=2)
    batches = [api.send(make_lines(4)) for _ in range(4)]
    seen = set()

    for seconds in (10, 100, 300, 100, 450, 30, 86_400):
        for batch in batches:
            shown = get(api, f"/batches/{batch.id}")
            validate("BatchWire", shown)
            seen.add(shown["status"])
        openai_batch_emulator.advance(seconds)
    for shown in get(api, "/batches")["data"]:
        validate("BatchWire", shown)
        seen.add(shown["status"])

    assert len(seen) == 8


def test_files_and_lines(api, openai_batch_emulator, validate):
    """Files, output lines, error lines, chat answers, and error bodies are valid objects."""
    openai_batch_emulator.fault("fail_requests", share=0.3)
    lines = [*make_lines(20), make_line("cut", max_completion_tokens=1), make_line("two", n=2)]
    batch = api.look(api.send(lines))
    answers = api.lines(batch.output_file_id) + api.lines(batch.error_file_id)

    for file in get(api, "/files")["data"]:
        validate("OpenAIFileWire", file)
    for answer in answers:
        validate("BatchRequestOutput", answer)
        good = answer["response"]["status_code"] == 200
        validate("CreateChatCompletionResponse" if good else "ErrorResponse", answer["response"]["body"])
    validate("DeleteFileResponse", api.client.delete(f"/files/{batch.input_file_id}", cast_to=object))
    assert len(answers) == 22


SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}
IMAGE = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
#: endpoint -> the schema of its answers, and bodies whose answers differ in kind.
ANSWERS = {
    "chat/completions": ("CreateChatCompletionResponse", [{}, {"n": 2}, {"model": "gpt-4.1"}]),
    "responses": (
        "Response",
        [
            {},
            {"model": "gpt-4.1"},
            {"input": "x" * 200, "max_output_tokens": 16},
            {"reasoning": {"effort": "low"}, "instructions": "Be brief.", "metadata": {"a": "b"}},
            {"text": {"format": {"type": "json_schema", "name": "x", "strict": True, "schema": SCHEMA}}},
        ],
    ),
    "embeddings": (
        "CreateEmbeddingResponse",
        [{}, {"input": ["a", "b"], "dimensions": 8}, {"input": [[1], [2]]}],
    ),
    "moderations": (
        "CreateModerationResponse",
        [{}, {"input": ["kill", "fine"]}, {"input": IMAGE}, {"model": "text-moderation-latest"}],
    ),
    "completions": ("CreateCompletionResponse", [{}, {"n": 2, "max_tokens": 1, "echo": True}]),
}
TEXT_FAULTS = [
    "refusal", "truncated", "no_text", "content_filter", "misfit", "separators", "tool_calls",
    "several_messages",
]  # fmt: skip


@pytest.mark.parametrize("path", ANSWERS)
def test_answers(api, validate, path):
    """Answers of each endpoint are valid objects, at once and in a batch."""
    name, bodies = ANSWERS[path]

    for body in bodies:
        line = make_request(path, **body)
        validate(name, api.client.post(f"/{path}", body=line["body"], cast_to=object))
        answer = api.answers([line])["r0"]
        validate("BatchRequestOutput", answer)
        validate(name, answer["response"]["body"])


@pytest.mark.parametrize("path", ["chat/completions", "responses", "completions"])
def test_struck_answers(api, openai_batch_emulator, validate, path):
    """What the faults of answers make of them is valid as well: the API itself can answer so."""
    for fault in TEXT_FAULTS:
        openai_batch_emulator.clear_faults()
        openai_batch_emulator.fault(fault, share=1)
        validate(ANSWERS[path][0], api.answers([make_request(path)])["r0"]["response"]["body"])


REQUESTS = {
    "chat/completions": "CreateChatCompletionRequest",
    "responses": "CreateResponse",
    "embeddings": "CreateEmbeddingRequest",
    "moderations": "CreateModerationRequest",
    "completions": "CreateCompletionRequest",
}


def parameters(schemas: dict, schema: dict) -> set[str]:
    """The names of a request's parameters, those of all its parts."""
    whole = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    parts = (parameters(schemas, part) for part in whole.get("allOf", ()))
    return set(whole.get("properties", {})).union(*parts)


@pytest.mark.parametrize("path", REQUESTS)
def test_every_parameter_is_known(path, tmp_path):
    """No parameter of the specification is refused as unknown."""
    schemas = json.loads(SPEC.read_text())["components"]["schemas"]
    names = parameters(schemas, schemas[REQUESTS[path]])
    endpoint = ANSWERED[f"/v1/{path}"]
    least = make_request(path)["body"]

    for name in names:
        body = json.dumps(least | {name: least.get(name)}).encode()
        answer = endpoint.run(body, Settings(data=tmp_path), 0)
        assert answer.status == 200 or answer.body["error"]["code"] != "unknown_parameter", name
    assert len(names) >= 2


TYPES = {
    "CreateChatCompletionRequest": Chat,
    "CreateResponse": responses.CreateResponse,
    "CreateEmbeddingRequest": embeddings.CreateEmbeddingRequest,
    "CreateCompletionRequest": completions.CreateCompletionRequest,
}
#: What the models decide, what is checked by hand, and a bound that no number of JSON can hold.
ELSEWHERE = {
    "model", "messages", "input", "prompt", "response_format", "text", "reasoning_effort", "top_logprobs",
    "seed",
}  # fmt: skip
LIMITS = ("minimum", "maximum", "minItems", "maxItems", "maxLength", "enum")


def limits(schemas: dict, schema: dict) -> dict[str, set]:
    """The limits of a parameter, in whatever of its alternatives they stand."""
    schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    found: dict[str, set] = {}
    for name in LIMITS:
        if name in schema:
            values = schema[name] if name == "enum" else [schema[name]]
            found.setdefault(name, set()).update(values)
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        for name, values in limits(schemas, part).items():
            found.setdefault(name, set()).update(values)
    return {name: values - {None} for name, values in found.items()}


def properties(schemas: dict, schema: dict) -> dict[str, dict]:
    """The parameters of a request, those of all its parts."""
    whole = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    found = dict(whole.get("properties", {}))
    for part in whole.get("allOf", ()):
        found |= properties(schemas, part)
    return found


@pytest.mark.parametrize("name", TYPES)
def test_limits_are_those_of_the_specification(name):
    """What the specification says of ranges, lengths, and words is what the types say."""
    schemas = json.loads(SPEC.read_text())["components"]["schemas"]
    hints = get_type_hints(TYPES[name], include_extras=True)

    compared = 0
    for parameter, schema in properties(schemas, schemas[name]).items():
        if parameter not in ELSEWHERE:
            (ours,), parts = msgspec.json.schema_components([hints[parameter]])
            expected, found = limits(schemas, schema), limits(parts, ours)
            assert {limit: found.get(limit) for limit in expected} == expected, parameter
            compared += len(expected)
    assert compared >= 2
