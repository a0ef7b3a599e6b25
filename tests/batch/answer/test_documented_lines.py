"""Lines in the documented form are read the short way, and mean what they mean elsewhere."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.answer.collect import collect
from airflow_provider_openai_batch.batch.answer.documented_lines import MOST_BYTES, Good, read_documented
from airflow_provider_openai_batch.batch.endpoints.known_endpoints import endpoint_of
from airflow_provider_openai_batch.batch.output.output import compile_output
from airflow_provider_openai_batch.batch.output.vectors import encoded, vectors_of
from tests.batch.answer.row_by_row import collect_row_by_row

CHAT, RESPONSES, EMBEDDINGS, MODERATIONS, OTHER = (
    "/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/moderations", "/v1/completions",
)  # fmt: skip
NAMES = [bytes([number]) * 16 for number in range(1, 5)]
WANTED = np.frombuffer(b"".join(NAMES[:3]), dtype="S16")
MIXED = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["bug", "idea", "größer"], "description": "What it is."},
        "sure": {"type": "number"},
        "count": {"type": "integer"},
        "urgent": {"type": ["boolean", "null"]},
        "words": {"type": "array", "items": {"type": "string"}},
        "numbers": {"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "null"}]}},
        "who": {"$ref": "#/$defs/who"},
    },
    "required": ["label", "sure", "count", "urgent", "words", "numbers", "who"],
    "additionalProperties": False,
    "$defs": {"who": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
}
NESTED = {
    "type": "object",
    "properties": {"on": {"type": "string", "format": "date"}, "more": {"type": "object"}},
    "required": ["on", "more"],
}
LOOSE = {"schema": MIXED | {"required": ["label"], "additionalProperties": True}, "strict": False}
OUTPUTS = {
    "text": compile_output(None),
    "labels": compile_output(["bug", "idea"]),
    "mixed": compile_output(MIXED),
    "loose": compile_output(LOOSE),
    "nested": compile_output({"schema": NESTED, "strict": False}),
}
VALUES = {
    "label": "bug", "sure": 0.25, "count": 7, "urgent": None, "words": ["a", "\u20ac"],
    "numbers": [1, 2.5, None], "who": "Zoë 😀",
}  # fmt: skip
ODD = st.sampled_from([
    None, True, False, 0, 1, -1, 200, 200.0, 0.5, 1e300, 10**30, -(10**19), 2**63, 2**53 + 1, 1795301111, "",
    "x", "bug", "200", "stop", "length", "error", "\0", "\ud800", "a\0b", "Zoë", "\x7f\u202e", [], {}, [1],
    ["x"], [None], {"x": 1}, {"message": "No.", "code": "server_error"}, {"text": "t"}, {"refusal": "r"},
    {"type": "message"}, {"type": "function_call"}, "2026-11-30", "01" * 16, "0 " * 16,
]).map(copy.deepcopy)  # fmt: skip


def chat(text: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    details = {
        "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1795301111,
        "model": "gpt-5-mini",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": usage | details,
    }


def response(text: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    usage = {"input_tokens": 9, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 3}}
    return {
        "object": "response",
        "created_at": 1795301111,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "gpt-5-mini",
        "output": [
            {"type": "reasoning", "summary": []},
            {"type": "message", "role": "assistant", "status": "completed", "content": content},
        ],
        "usage": usage | {"output_tokens_details": {"reasoning_tokens": 2}},
    }


def embedding(vector: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": vector}]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return {"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage}


def line_of(name: bytes, body: Any) -> dict[str, Any]:
    answer = {"status_code": 200, "request_id": "r", "body": body}
    return {"id": "batch_req_1", "custom_id": name.hex(), "response": answer, "error": None}


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """Change some of the places of a JSON value: set, take away, or add something."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        places = list(places_in(value))
        if places:
            inside, name = draw(st.sampled_from(places))
            how = draw(st.sampled_from(["set", "set", "take", "add"]))
            if how == "set" or (how == "add" and isinstance(inside, list)):
                inside[name] = draw(ODD)
            elif how == "take":
                del inside[name]
            else:
                more = draw(st.sampled_from(["error", "errors", "tool_calls", "refusal", "more", "object"]))
                inside[more] = draw(ODD)
    return value


def places_in(value: Any) -> Any:
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in parts:
        yield value, name
        if isinstance(part, (dict, list)):
            yield from places_in(part)


@st.composite
def lines(draw: st.DrawFn, endpoint: str, kind: str) -> list[bytes]:
    """Write lines, most of them as documented, in whatever order and form."""
    made = []
    for _ in range(draw(st.integers(1, 5))):
        body = draw(changed(line_of(draw(st.sampled_from(NAMES)), draw(bodies(endpoint, kind)))))
        line = json.dumps(body, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
        if draw(st.integers(0, 9)) == 0:
            at = draw(st.integers(0, len(line)))
            line = line[:at] + draw(st.sampled_from([b"", b"\xff", b"\0", b" ", b'"', b"9" * 30, b"e400"]))
            line += b"" if draw(st.booleans()) else json.dumps(body).encode()[at:]
        made.append(line + b"\n")
    return made


@st.composite
def bodies(draw: st.DrawFn, endpoint: str, kind: str) -> Any:
    if endpoint == EMBEDDINGS:
        numbers = draw(st.lists(st.sampled_from([0.5, -1.0, 2.0]), max_size=3))
        return embedding(draw(st.sampled_from([numbers, encoded(numbers), "AAA", ""])))
    text = "a text" if kind == "text" else json.dumps(draw(changed(values_of(kind))), ensure_ascii=False)
    text = draw(st.sampled_from(["", "```json\n"])) + text if draw(st.integers(0, 9)) == 0 else text
    return chat(text) if endpoint in {CHAT, OTHER} else response(text)


def values_of(kind: str) -> Any:
    if kind == "labels":
        return {"label": "idea"}
    return {"on": "2026-11-30", "more": {"a": [1, {"b": None}]}} if kind == "nested" else VALUES


def require_same(told: list[bytes], endpoint: str, output: Any) -> None:
    fast = collect(told, WANTED, endpoint_of(endpoint), output)
    plain = collect_row_by_row(told, WANTED, endpoint_of(endpoint), output)

    assert plain.table.schema.equals(fast.table.schema, check_metadata=True)
    assert plain.table.to_pylist() == fast.table.to_pylist()
    assert plain.answered.tolist() == fast.answered.tolist()
    assert plain.foreign.tolist() == fast.foreign.tolist()
    assert (plain.counts, plain.anomalies, plain.cleaned) == (fast.counts, fast.anomalies, fast.cleaned)


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("endpoint", [CHAT, RESPONSES])
@settings(max_examples=30)
@given(data=st.data())
def test_an_answer_is_what_it_is_row_by_row(endpoint: str, kind: str, data: st.DataObject) -> None:
    """Whatever servers write, each line means the same as where it is read patiently."""
    require_same(data.draw(lines(endpoint, kind)), endpoint, OUTPUTS[kind])


@pytest.mark.parametrize(("endpoint", "size"), [(EMBEDDINGS, None), (EMBEDDINGS, 2), (OTHER, None)])
@settings(max_examples=30)
@given(data=st.data())
def test_a_vector_is_what_it_is_row_by_row(endpoint: str, size: int | None, data: st.DataObject) -> None:
    """The same of vectors, and of endpoints whose form is not known."""
    output = vectors_of(size) if endpoint == EMBEDDINGS else OUTPUTS["text"]

    require_same(data.draw(lines(endpoint, "text")), endpoint, output)


@pytest.mark.parametrize(
    ("endpoint", "body", "kind"),
    [
        (CHAT, chat("a text"), "text"),
        (CHAT, chat('{"label":"bug"}'), "labels"),
        (CHAT, chat(json.dumps(VALUES)), "mixed"),
        (CHAT, chat(json.dumps({"on": "2026-11-30", "more": {}})), "nested"),
        (RESPONSES, response('{"label":"bug"}'), "labels"),
        (EMBEDDINGS, embedding(encoded([0.5, 1.0])), None),
    ],
)
def test_what_the_api_documents_is_read_at_once(endpoint: str, body: Any, kind: str | None) -> None:
    """The usual line takes the short way, with all that the API writes beside its answer."""
    output = vectors_of(None) if kind is None else OUTPUTS[kind]
    line = json.dumps(line_of(NAMES[0], body), ensure_ascii=False).encode()

    good, rest = read_documented(iter([line, line]), endpoint_of(endpoint), output)

    assert (good.custom_ids, rest) == ([NAMES[0]] * 2, None)


def test_long_answers_are_put_away_early() -> None:
    """What is held at a time is bounded by bytes: some answers have a hundred thousand words."""
    line = json.dumps(line_of(NAMES[0], chat("x" * MOST_BYTES))).encode()
    lines = iter([line] * 3)

    read = [read_documented(lines, endpoint_of(CHAT), OUTPUTS["text"]) for _ in range(4)]

    assert [1, 1, 1, 0] == [len(good.texts) for good, _ in read]
    assert {None} == {rest for _, rest in read}


@pytest.mark.parametrize(
    "part",
    [
        {"finish_reason": "length"},
        {"finish_reason": "content_filter"},
        {"message": {"content": "half", "refusal": "I can't."}},
        {"message": {"content": "half", "tool_calls": [{"id": "call"}]}},
        {"message": {"content": None}},
    ],
)
def test_what_is_more_than_an_answer_is_read_patiently(part: dict[str, Any]) -> None:
    """What decides about money and rows is decided in one place."""
    body = chat("a text")
    body["choices"][0] |= part

    line = json.dumps(line_of(NAMES[0], body)).encode()

    assert read_documented(iter([line]), endpoint_of(CHAT), OUTPUTS["text"]) == (Good(), line)
