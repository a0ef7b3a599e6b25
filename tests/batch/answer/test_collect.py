"""All lines of a send, one answer for each request."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.answer.collect import (
    FINAL,
    TRANSIENT,
    RowStatus,
    answer_schema,
    collect,
)
from airflow_provider_openai_batch.batch.endpoints.known_endpoints import ENDPOINTS
from airflow_provider_openai_batch.batch.output.output import compile_output

CHAT = ENDPOINTS["/v1/chat/completions"]
LABELS = compile_output(["bug", "feature"])
OK, INVALID, FAILED = '{"label":"bug"}', "?", None


def id_of(number: int) -> bytes:
    return bytes([number]) * 8 + bytes(8)  # S16 hides trailing zeros; none may be lost


def ids_of(*numbers: int) -> Any:
    return np.frombuffer(b"".join(map(id_of, numbers)), dtype="S16")


def line_of(number: int, content: str | None, model: str = "m") -> bytes:
    body = {"choices": [{"message": {"content": content}}], "model": model}
    response = {"status_code": 500 if content is None else 200, "body": body}
    return json.dumps({"custom_id": id_of(number).hex(), "response": response}).encode() + b"\n"


def test_both_files_become_one_table() -> None:
    """Answers in any order are found by their names; what is not answered is told."""
    collected = collect([line_of(3, OK), line_of(1, FAILED)], ids_of(1, 2, 3), CHAT, LABELS)

    assert collected.table.schema == answer_schema(LABELS)
    assert collected.table["custom_id"].to_pylist() == [id_of(3), id_of(1)]
    assert collected.table["status"].to_pylist() == ["ok", "failed"]
    assert collected.answered.tolist() == [True, False, True]
    assert collected.counts == Counter({RowStatus.OK: 1, RowStatus.FAILED: 1})
    assert collected.anomalies == {"duplicate": 0, "foreign": 0, "malformed": 0}


def test_odd_lines_are_counted_and_never_inserted() -> None:
    """Foreign, malformed, and empty lines change no answer."""
    lines = [line_of(9, OK), b"{broken\n", b"\n", line_of(1, OK), b'{"custom_id":"x"}']

    collected = collect(lines, ids_of(1), CHAT, LABELS)

    assert len(collected.table) == 1
    assert collected.anomalies == {"duplicate": 0, "foreign": 2, "malformed": 1}


def test_a_broken_line_that_names_another_request_is_foreign() -> None:
    """Only a line that names no request may be one of ours; those of another file are not waited for."""
    cut = line_of(9, OK)
    lines = [cut[: len(cut) // 2] + b"\n", b"{broken\n", line_of(1, OK)]

    collected = collect(lines, ids_of(1, 2), CHAT, LABELS)

    assert collected.anomalies == {"duplicate": 0, "foreign": 1, "malformed": 1}
    assert collected.foreign.tolist() == ids_of(9).tolist()


@pytest.mark.parametrize(
    ("contents", "winner"),
    [
        ([OK, FAILED], "ok"),
        ([FAILED, OK], "ok"),
        ([INVALID, OK], "ok"),
        ([OK, INVALID], "ok"),
        ([INVALID, FAILED], "invalid"),
        ([FAILED, INVALID, FAILED], "invalid"),
    ],
)
def test_of_several_answers_the_best_wins(contents: list[str | None], winner: str) -> None:
    """An answer beats a refusal, and what is final beats what is not."""
    collected = collect([line_of(1, content) for content in contents], ids_of(1), CHAT, LABELS)

    assert collected.table["status"].to_pylist() == [winner]
    assert collected.counts == Counter({RowStatus(winner): 1})
    assert collected.anomalies["duplicate"] == len(contents) - 1


@pytest.mark.parametrize("turned", [False, True])
def test_an_error_is_no_answer(turned: bool) -> None:
    """What the model put out was paid for and stays, whichever line comes first."""
    error = {"code": "invalid_prompt", "message": "No."}
    told = {"custom_id": id_of(1).hex(), "response": {"status_code": 400, "body": {"error": error}}}
    lines = [line_of(1, INVALID), json.dumps(told).encode()]

    collected = collect(lines[::-1] if turned else lines, ids_of(1), CHAT, LABELS)

    assert collected.table["status"].to_pylist() == ["invalid"]
    assert collected.table["raw_output"].to_pylist() == [INVALID]


@pytest.mark.parametrize(
    ("lines", "status", "duplicates"),
    [
        ([line_of(1, OK)[:-9]], "invalid", 0),
        ([line_of(1, OK)[:-9], line_of(1, OK)], "ok", 1),
        ([line_of(1, OK), line_of(1, OK)[:-9]], "ok", 1),
        ([line_of(1, INVALID), line_of(1, OK)[:-9]], "invalid", 1),
        ([line_of(1, FAILED), line_of(1, OK)[:-9]], "invalid", 1),
        ([line_of(1, OK)[:-9], line_of(1, FAILED)], "invalid", 1),
    ],
)
def test_a_broken_line_is_an_answer_where_there_is_no_better(
    lines: list[bytes], status: str, duplicates: int
) -> None:
    """It was paid for: its text is kept as `invalid`, unless a line that can be read says more."""
    collected = collect(lines, ids_of(1), CHAT, LABELS)

    assert collected.table["status"].to_pylist() == [status]
    assert collected.anomalies == {"duplicate": duplicates, "foreign": 0, "malformed": 0}
    assert collected.answered.tolist() == [True]
    (raw,) = collected.table["raw_output"].to_pylist()
    assert raw == {"ok": None, "invalid": "?" if line_of(1, INVALID) in lines else lines[0][:-9].decode()}[
        status
    ] or raw.startswith('{"custom_id"')


def test_of_equal_answers_the_later_wins() -> None:
    """Two good answers are one row."""
    collected = collect([line_of(1, OK, "a"), line_of(1, OK, "b")], ids_of(1), CHAT, LABELS)

    assert collected.table["model"].to_pylist() == ["b"]


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from([OK, INVALID, FAILED]))))
def test_each_wanted_request_has_one_row_at_most(lines: list[tuple[int, str | None]]) -> None:
    """Rows, counts, anomalies, and lines add up."""
    wanted = ids_of(*range(20))

    collected = collect([line_of(*line) for line in lines], wanted, CHAT, LABELS)

    names = collected.table["custom_id"].to_pylist()
    assert sorted(names) == sorted({id_of(number) for number, _ in lines if number < 20})
    assert collected.answered.sum() == len(names) == collected.counts.total()
    assert len(lines) == len(names) + sum(collected.anomalies.values())


def test_many_answers_are_held_as_arrow() -> None:
    """More answers than a block are all there, whichever was replaced."""
    names = [number.to_bytes(16) for number in range(9_000)]
    lines = [line_of(0, OK).replace(id_of(0).hex().encode(), name.hex().encode()) for name in names]

    collected = collect([*lines, lines[5]], np.frombuffer(b"".join(names), dtype="S16"), CHAT, LABELS)

    assert isinstance(collected.table, pa.Table)
    assert sorted(collected.table["custom_id"].to_pylist()) == names
    assert collected.anomalies["duplicate"] == 1


def test_cleaned_characters_are_counted() -> None:
    """U+0000 and lone surrogates, plain or inside of JSON in a string; pairs are characters."""
    labels = json.dumps({"label": "\0\ud800\ude00\ude00"})

    collected = collect([line_of(1, labels), line_of(2, "\0😀\ud800")], ids_of(1, 2), CHAT, LABELS)

    assert collected.cleaned == 2 + 2


def test_final_and_transient_are_apart() -> None:
    """No status asks for both."""
    assert not FINAL & TRANSIENT
