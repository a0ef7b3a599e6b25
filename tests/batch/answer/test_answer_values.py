"""The values of answers: typed when they are collected, and not again when they are loaded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_openai_batch.batch.answer.answer_values import as_invalid, plain, typed, values_of
from airflow_provider_openai_batch.batch.answer.collect import ANSWER_SCHEMA, collect
from airflow_provider_openai_batch.batch.endpoints.known_endpoints import ENDPOINTS
from airflow_provider_openai_batch.batch.output.output import OUTPUT, compile_output
from airflow_provider_openai_batch.batch.output.vectors import encoded, vectors_of

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_openai_batch.batch.output.output import Output

CHAT, EMBEDDINGS = ENDPOINTS["/v1/chat/completions"], ENDPOINTS["/v1/embeddings"]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["bug", "idea"]},
        "score": {"type": ["number", "null"]},
        "on": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "words": {"type": "array", "items": {"type": "string"}},
        "more": {"type": "object", "properties": {"a.b": {"type": "integer"}}, "required": ["a.b"]},
    },
    "required": ["label", "score", "on", "at", "words", "more"],
}
ANSWER = {
    "label": "bug",
    "score": None,
    "on": "2026-11-30",
    "at": "2026-11-30T12:00:00+01:00",
    "words": ["a", "\u20ac"],
    "more": {"a.b": 7},
}
VALUES = {
    "label": "bug",
    "score": None,
    "on": date(2026, 11, 30),
    "at": datetime(2026, 11, 30, 11, tzinfo=UTC),
    "words": ["a", "\u20ac"],
    "more": '{"a.b":7}',
}


def id_of(number: int) -> bytes:
    return bytes([number]) * 16


def chat_line(number: int, content: object) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content)
    body = {"choices": [{"message": {"content": text}}], "model": "m"}
    response = {"status_code": 200, "body": body}
    return json.dumps({"custom_id": id_of(number).hex(), "response": response}).encode()


def vector_line(number: int, vector: list[float]) -> bytes:
    body = {"data": [{"embedding": encoded(vector)}], "usage": {"prompt_tokens": 1}}
    return json.dumps(
        {"custom_id": id_of(number).hex(), "response": {"status_code": 200, "body": body}}
    ).encode()


def collected(lines: list[bytes], output: Output, endpoint: Any = CHAT) -> pa.Table:
    wanted = np.frombuffer(b"".join(id_of(n + 1) for n in range(len(lines))), dtype="S16")
    return collect(lines, wanted, endpoint, output).table


def through_a_file(table: pa.Table, path: Path) -> pa.Table:
    pq.write_table(table, path)
    return pq.read_table(path)


class Unread:
    """A validator that must not be asked."""

    def is_valid(self, _: object) -> bool:
        raise AssertionError("An answer was validated again.")


def test_what_was_typed_when_it_was_collected_is_not_read_again(tmp_path: Path) -> None:
    """Values go through the file as they are, NULLs and lists among them; no text is validated twice."""
    output = compile_output(SCHEMA)
    table = collected([chat_line(1, ANSWER), chat_line(2, "no JSON"), chat_line(3, ANSWER)], output)

    stored = through_a_file(table, tmp_path / "answers.parquet")
    read = typed(stored, replace(output, validator=Unread()))

    assert read["status"].to_pylist() == ["ok", "invalid", "ok"]
    assert read[OUTPUT].to_pylist() == [VALUES, None, VALUES]
    arrays = values_of(read)
    assert [array.type for array in arrays] == output.columns.types
    assert [array.to_pylist()[0] for array in arrays] == list(VALUES.values())


def test_files_without_values_are_read_from_their_texts(tmp_path: Path) -> None:
    """A run that an earlier version collected is loaded by this one."""
    output = compile_output(SCHEMA)
    table = collected([chat_line(1, ANSWER), chat_line(2, "no JSON")], output).select(ANSWER_SCHEMA.names)

    read = typed(through_a_file(table, tmp_path / "answers.parquet"), output)

    assert read[OUTPUT].to_pylist() == [VALUES, None]


def test_answers_are_typed_again_for_another_output_type() -> None:
    """The same request may be read by a stricter type: what does not fit it is `invalid`, with its text."""
    loose, strict = (
        compile_output({"schema": {"type": "object", "properties": {"n": number}}, "strict": False})
        for number in ({"type": "integer"}, {"type": "integer", "maximum": 5})
    )
    table = collected([chat_line(1, {"n": 3}), chat_line(2, {"n": 9})], loose)
    assert loose.kind == strict.kind

    read = typed(table, strict)

    assert read["status"].to_pylist() == ["ok", "invalid"]
    assert read[OUTPUT].to_pylist() == [{"n": 3}, None]
    assert read["raw_output"].to_pylist() == [None, '{"n": 9}']
    assert read["error_message"].to_pylist() == [None, "n does not fit 'maximum' of the output type."]


def test_plain_answers_are_their_own_values() -> None:
    """A text is stored once."""
    output = compile_output(None)
    table = collected([chat_line(1, "one"), chat_line(2, "")], output)
    assert table.schema == ANSWER_SCHEMA

    read = typed(table, output)

    assert [array.to_pylist() for array in values_of(read)] == [["one", ""]]


def test_vectors_are_stored_once(tmp_path: Path) -> None:
    """Numbers take three quarters of the bytes of their text, which comes back out of them."""
    output = vectors_of(2)
    table = collected([vector_line(1, [0.5, 1.0]), vector_line(2, [1.0])], output, EMBEDDINGS)
    assert table["answer"].to_pylist() == [None, None]

    read = typed(through_a_file(table, tmp_path / "answers.parquet"), output)

    assert read["status"].to_pylist() == ["ok", "invalid"]
    assert read[OUTPUT].to_pylist() == [{"embedding": [0.5, 1.0]}, None]
    assert plain(table, output)["answer"].to_pylist() == [encoded([0.5, 1.0]), None]
    assert plain(table, output).schema == ANSWER_SCHEMA


@pytest.mark.parametrize("output", [compile_output(None), compile_output(SCHEMA), vectors_of(None)])
def test_no_answers_have_values_too(output: Output) -> None:
    """A batch that failed as a whole has the columns of the others."""
    failed = pa.Table.from_pylist([{"custom_id": id_of(1), "status": "failed"}], schema=ANSWER_SCHEMA)

    for table in (failed, failed.slice(1)):
        read = typed(table, output)
        assert read.schema.field(OUTPUT).type == output.kind
        assert read[OUTPUT].null_count == len(table)


def test_what_a_target_does_not_take_is_invalid() -> None:
    """Its reason, its text, and no value."""
    output = compile_output(["bug", "idea"])
    read = typed(collected([chat_line(1, {"label": "bug"}), chat_line(2, {"label": "idea"})], output), output)

    changed = as_invalid(read, {1: "label is too long."}, output.texts(read))

    assert changed["status"].to_pylist() == ["ok", "invalid"]
    assert changed["error_message"].to_pylist() == [None, "label is too long."]
    assert changed["raw_output"].to_pylist() == [None, '{"label": "idea"}']
    assert changed[OUTPUT].to_pylist() == [{"label": "bug"}, None]
