"""What chat completions are asked, and what they answer."""

from __future__ import annotations

import msgspec
import pytest

from airflow_provider_openai_batch.batch.endpoints.known_endpoints import ENDPOINTS, Reply
from airflow_provider_openai_batch.batch.endpoints.reply import count
from airflow_provider_openai_batch.batch.output.output import compile_output
from airflow_provider_openai_batch.exceptions import InvalidRequest

CHAT = ENDPOINTS["/v1/chat/completions"]


def test_the_schema_is_appended_last() -> None:
    """The user's part of the body is as it was; the schema follows in one pinned form."""
    body = {"model": "m", "messages": []}

    asked = CHAT.with_output(
        body, compile_output({"schema": {"type": "object", "properties": {"a": {}}}, "strict": False})
    )

    assert msgspec.json.encode(asked) == (
        b'{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"answer",'
        b'"strict":false,"schema":{"type":"object","properties":{"a":{}}}}}}'
    )
    assert list(body) == ["model", "messages"]


def test_free_text_needs_no_schema() -> None:
    """A user's own `response_format` is sent as it is."""
    body = {"model": "m", "response_format": {"type": "json_object"}}

    assert CHAT.with_output(body, compile_output(None)) == body


def test_one_schema_is_enough() -> None:
    """Two schemas would contradict each other."""
    with pytest.raises(InvalidRequest, match="response_format"):
        CHAT.with_output({"response_format": {}}, compile_output(["a"]))


def test_an_answer_is_read() -> None:
    """All that the result table shows of a completion is found."""
    body = {
        "model": "gpt-6-luna-2026-09-01",
        "created": 1_795_301_111,
        "choices": [{"message": {"content": "hi", "refusal": None}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 211,
            "completion_tokens": 9.0,
            "prompt_tokens_details": {"cached_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
    }

    assert CHAT.read(body) == Reply(
        text="hi",
        finish_reason="stop",
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
        {"choices": []},
        {"choices": [None], "usage": None},
        {"choices": [{"message": {"content": None, "refusal": ""}}], "usage": {"prompt_tokens": -1}},
        {"choices": [{"message": {"content": []}}], "usage": {"prompt_tokens": True}},
        {"choices": "x", "usage": {"prompt_tokens_details": []}, "model": 3, "created": "2026"},
    ],
)
def test_whatever_lacks_is_none(body: dict[str, object]) -> None:
    """Servers leave out what they like."""
    assert CHAT.read(body) == Reply()


def test_texts_in_parts_are_joined() -> None:
    """Some servers send the content as parts."""
    content = [{"type": "text", "text": "a"}, "noise", {"type": "image"}, {"type": "text", "text": "b"}]

    assert CHAT.read({"choices": [{"message": {"content": content}}]}).text == "ab"


def test_counts_fit_a_bigint() -> None:
    """A number that no column takes is not a number of tokens."""
    assert [count(value) for value in (2**63 - 1, 2**63, float("nan"), float("inf"))] == [
        2**63 - 1,
        None,
        None,
        None,
    ]
