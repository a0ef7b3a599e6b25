"""What responses are asked, and what they answer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airflow_provider_openai_batch.batch.endpoints.known_endpoints import ENDPOINTS, Reply, endpoint_of
from airflow_provider_openai_batch.batch.output.output import compile_output
from airflow_provider_openai_batch.exceptions import InvalidRequest

RESPONSES = ENDPOINTS["/v1/responses"]
LOOSE = compile_output({"schema": {"type": "object", "properties": {"a": {}}}, "strict": False})
FORMAT = (
    b'{"type":"json_schema","name":"answer","strict":false,"schema":{"type":"object","properties":{"a":{}}}}'
)


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"model": "m", "input": "x"}, b'{"model":"m","input":"x","text":{"format":' + FORMAT + b"}}"),
        (
            {"text": {"verbosity": "low"}, "model": "m"},
            b'{"text":{"verbosity":"low","format":' + FORMAT + b'},"model":"m"}',
        ),
    ],
)
def test_the_schema_is_appended_last(body: dict[str, Any], sent: bytes) -> None:
    """The user's part of the body, `text` included, is as it was; the schema follows in one pinned form."""
    before = msgspec.json.encode(body)

    assert msgspec.json.encode(RESPONSES.with_output(body, LOOSE)) == sent
    assert msgspec.json.encode(body) == before


def test_free_text_needs_no_schema() -> None:
    """A user's own `text` is sent as it is."""
    body = {"model": "m", "text": {"format": {"type": "json_object"}}}

    assert RESPONSES.with_output(body, compile_output(None)) == body


@pytest.mark.parametrize(("text", "told"), [({"format": {}}, "format"), ("low", "give a dict")])
def test_one_schema_is_enough(text: Any, told: str) -> None:
    """Two schemas would contradict each other."""
    with pytest.raises(InvalidRequest, match=told):
        RESPONSES.with_output({"text": text}, compile_output(["a"]))


def test_an_answer_is_read() -> None:
    """All that the result table shows of a response is found."""
    body = {
        "model": "gpt-6-luna-2026-09-01",
        "created_at": 1_795_301_111,
        "status": "completed",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "content": [{"type": "output_text", "text": "a"}]},
            {"type": "message", "content": [{"type": "output_text", "text": "b"}]},
        ],
        "usage": {
            "input_tokens": 211,
            "output_tokens": 9,
            "input_tokens_details": {"cached_tokens": 5},
            "output_tokens_details": {"reasoning_tokens": 3},
        },
    }

    assert RESPONSES.read(body) == Reply(
        text="ab",
        parts=("a", "b"),
        finish_reason="completed",
        model="gpt-6-luna-2026-09-01",
        created=1_795_301_111,
        input_tokens=211,
        cached_tokens=5,
        output_tokens=9,
        reasoning_tokens=3,
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"output": "x", "status": 7},
        {"output": [None, {"type": "message", "content": "x"}, {"type": "message", "content": [None, {}]}]},
        {"output": [{"type": "message", "content": [{"type": "output_text", "text": 3}]}], "usage": []},
        {"output": [{"type": {"name": "message"}}, {"type": ["message"]}]},
        {"usage": {"input_tokens": -1, "input_tokens_details": 5}, "model": None, "created_at": "2026"},
    ],
)
def test_whatever_lacks_is_none(body: dict[str, object]) -> None:
    """Servers leave out what they like."""
    assert RESPONSES.read(body) == Reply()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/responses", "/v1/responses"),
        ("/responses", "/v1/responses"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/videos", "/v1/videos"),
    ],
)
def test_an_endpoint_is_found_by_its_path(path: str, name: str) -> None:
    """Azure's lines may leave out the version; a path that is not known answers as it is."""
    assert endpoint_of(path).name == name
