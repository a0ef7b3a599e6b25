"""What a column takes of an answer."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.output.column_limits import (
    Bound,
    Bytes,
    Characters,
    Charset,
    Items,
    Range,
    Words,
)
from airflow_provider_openai_batch.batch.output.output import compile_output

LATIN = Charset(name="latin1", codec="cp1252", within=Characters(1))


def test_question_marks_for_what_a_character_set_lacks() -> None:
    """What it has stays."""
    assert "é? ?" == LATIN.replaced("é😀 Ж")


@pytest.mark.parametrize(
    ("bound", "value", "reason"),
    [
        (Characters(3), "äöü", None),
        (Characters(3), "abcd", "is longer than the 3 characters of its column"),
        (Bytes(3), "abc", None),
        (Bytes(3), "äö", "is longer than the 3 bytes of its column"),
        (Charset(name="latin1", codec="cp1252"), "é€", None),
        (LATIN, "Ж", "holds a character that its column's character set latin1 lacks"),
        (LATIN, "éé", "is longer than the 1 characters of its column"),
        (Charset(name="utf8mb3", codec="utf-8", last="\uffff"), "日", None),
        (
            Charset(name="utf8mb3", codec="utf-8", last="\uffff"),
            "😀",
            "holds a character that its column's character set utf8mb3 lacks",
        ),
        (Words(frozenset({"a"})), "a", None),
        (Words(frozenset({"a"})), "A", "is not a word of its column's enum"),
        (Range(least=0, most=255), 255, None),
        (Range(least=0, most=255), 256, "is outside of its column's range"),
        (Range(least=-1, most=1, smallest=0.1), 0, None),
        (Range(least=-1, most=1, smallest=0.1), 0.01, "is outside of its column's range"),
        (Items(count=2), [1, 2], None),
        (Items(count=2), [1], "has 1 items, its column 2"),
        (Items(nulls=False), [None], "holds null, which its column does not take"),
        (Items(each=Characters(1)), ["a", None], None),
        (
            Items(each=Characters(1)),
            ["ab"],
            "holds a value that is longer than the 1 characters of its column",
        ),
    ],
)
def test_refuses(bound: Bound, value: Any, reason: str | None) -> None:
    """A value that does not fit is told why, and is not shown."""
    assert reason == bound.refuses(value)


def test_answer_outside_of_its_column() -> None:
    """A value that fits its schema but not its column is refused; NULL fits every column."""
    schema = {
        "type": "object",
        "properties": {"name": {"type": ["string", "null"]}, "n": {"type": "integer"}},
    }
    output = compile_output(schema).within([Characters(3), None])

    names, numbers = pa.array(["abc", None, "abcd"]), pa.array([5, 5, 5])

    assert output.refused([names, numbers]) == {2: "name is longer than the 3 characters of its column."}


def test_free_text_outside_of_its_column() -> None:
    """The same goes for a plain answer."""
    refused = compile_output(None).within([Characters(3)]).refused([pa.array(["one", "four"])])

    assert refused == {1: "answer is longer than the 3 characters of its column."}
