"""What holds for every endpoint that the emulator answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from airflow_provider_openai_batch.emulator.endpoints.endpoint import as_dict
from airflow_provider_openai_batch.emulator.endpoints.known_endpoints import ANSWERED, ENDPOINTS
from airflow_provider_openai_batch.emulator.settings import Settings
from tests.emulator.conftest import LEAST, make_request

if TYPE_CHECKING:
    from collections.abc import Iterator

FAULTS = ["missing_lines", "malformed_lines", "duplicate_lines", "body_as_string", "status_zero"]


def lines_of(path: str, count: int) -> list[dict]:
    """The least requests of an endpoint."""
    return [make_request(path, f"r{at}") for at in range(count)]


def test_all_are_tested():
    """An endpoint that is answered is one that a batch may name, and stands in the tables of these tests."""
    assert set(ANSWERED) <= set(ENDPOINTS)
    assert {f"/v1/{path}" for path in LEAST} == set(ANSWERED)


@pytest.mark.parametrize("path", LEAST)
def test_a_share_of_requests_fails(api, openai_batch_emulator, path):
    """The fail ratio mixes its failures; the ledger has every request, failed or not."""
    openai_batch_emulator.restart(fail_ratio=0.2)

    batch = api.look(api.send(lines_of(path, 200)))

    assert 20 < batch.request_counts.failed < 60
    assert {line["response"]["status_code"] for line in api.lines(batch.error_file_id)} == {400, 429, 500}
    assert len(openai_batch_emulator.ledger) == 200


@pytest.mark.parametrize("path", LEAST)
def test_the_token_queue(api, openai_batch_emulator, path):
    """A batch that does not fit beside a running one fails; when that has ended, there is room."""
    lines = lines_of(path, 60)
    openai_batch_emulator.restart(queue_tokens=len(json.dumps(lines)) // 4 * 3 // 2)
    openai_batch_emulator.take(600)
    first, second = api.send(lines), api.send(lines)
    openai_batch_emulator.advance(60)

    statuses = [api.look(batch).status for batch in (first, second)]
    openai_batch_emulator.advance(600)
    third = api.send(lines)
    openai_batch_emulator.advance(600)

    assert statuses == ["in_progress", "failed"]
    assert api.look(second).errors.data[0].code == "token_limit_exceeded"
    assert [api.look(batch).status for batch in (first, third)] == ["completed", "completed"]


@pytest.mark.parametrize("path", LEAST)
def test_half_a_batch(api, openai_batch_emulator, path):
    """What ran before a batch expired has answers; the rest has the API's error."""
    openai_batch_emulator.fault("expire", share=0.5)
    batch = api.send(lines_of(path, 10))
    openai_batch_emulator.advance(86_401)

    ended = api.look(batch)

    assert (ended.status, len(api.lines(ended.output_file_id))) == ("expired", 5)
    assert {line["error"]["code"] for line in api.lines(ended.error_file_id)} == {"batch_expired"}


@pytest.mark.parametrize("path", LEAST)
@pytest.mark.parametrize(
    "name", ["missing_lines", "malformed_lines", "duplicate_lines", "body_as_string", "status_zero"]
)
def test_faults_of_lines(api, openai_batch_emulator, path, name):
    """They strike the lines of any endpoint."""
    openai_batch_emulator.fault(name, share=1)

    batch = api.look(api.send(lines_of(path, 3)))

    content = api.client.files.content(batch.output_file_id).content if batch.output_file_id else b""
    expected = {"missing_lines": 0, "duplicate_lines": 6}.get(name, 3)
    assert (batch.request_counts.completed, content.count(b"\n")) == (3, expected)


@pytest.mark.parametrize("path", LEAST)
def test_another_endpoints_line(api, path):
    """The endpoint of the batch and of its lines must agree."""
    other = "responses" if path != "responses" else "embeddings"
    file_id = api.upload(lines_of(path, 1))

    batch = api.look(api.create(file_id, endpoint=f"/v1/{other}"))

    assert [error.code for error in batch.errors.data] == ["invalid_url"]


TREE = {
    "type": "object",
    "properties": {
        "a": {"anyOf": [{"enum": ["x", "y"]}, {"$ref": "#"}]},
        "b": {"type": "array", "items": {"type": "null"}},
    },
    "required": ["a", "b"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "name": "x", "schema": TREE}
PARTS = [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "x"}}]
FULL: dict[str, dict[str, Any]] = {
    "chat/completions": {
        "response_format": {"type": "json_schema", "json_schema": FORMAT | {"strict": True}},
        "n": 2,
    },
    "responses": {
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}],
        "text": {"format": FORMAT},
        "reasoning": {"effort": "low"},
        "max_output_tokens": 20,
    },
    "embeddings": {"input": ["a", "b"], "dimensions": 4, "encoding_format": "base64"},
    "moderations": {"input": PARTS},
    "completions": {"prompt": ["a"], "n": 2},
}
ODD = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "object",
    "\ud800",
    [],
    [[]],
    [1],
    ["a"],
    {},
    {"$ref": "#"},
    {"a": {"b": [1]}},
    {"type": "object"},
]


def changed(value: Any) -> Iterator[Any]:
    """A value with each odd one in each place of it."""
    yield from ODD
    if isinstance(value, dict):
        for name, part in value.items():
            yield from (value | {name: odd} for odd in changed(part))
    if isinstance(value, list):
        for at, part in enumerate(value):
            yield from ([*value[:at], odd, *value[at + 1 :]] for odd in changed(part))


@pytest.mark.parametrize("path", LEAST)
def test_no_body_breaks_it(path, tmp_path):
    """Whatever stands where in a body, it is answered or refused, and faults can change the answer."""
    endpoint, settings = ANSWERED[f"/v1/{path}"], Settings(data=tmp_path)
    statuses = set()

    for body in changed(LEAST[path] | FULL[path]):
        answer = endpoint.run(json.dumps(body).encode(), settings, 0)
        statuses.add(answer.status)
        if answer.status == 200:
            for twist in endpoint.twists.values():
                assert msgspec.json.encode(twist(as_dict(answer.body)))

    assert statuses - {200, 403, 404} == {400}


@pytest.mark.parametrize("path", LEAST)
def test_nesting_without_end(path, tmp_path):
    """A body that no parser follows is refused."""
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000

    for name in LEAST[path] | FULL[path]:
        body = json.dumps(LEAST[path] | FULL[path] | {name: "deep"}).encode().replace(b'"deep"', deep)
        assert ANSWERED[f"/v1/{path}"].run(body, Settings(data=tmp_path), 0).status == 400
