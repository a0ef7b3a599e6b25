"""Vectors of float32: from base64 into one column of lists, and back."""

from __future__ import annotations

import base64
import math

import numpy as np
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.output.column_limits import Bound, Items, Range
from airflow_provider_openai_batch.batch.output.output import OUTPUT, Invalid
from airflow_provider_openai_batch.batch.output.vectors import encoded, lists_of, vectors_of

VECTOR = [0.25, -1.5, 3.0]


def text_of(*numbers: float) -> str:
    return base64.b64encode(np.array(numbers, "<f4").tobytes()).decode()


def test_numbers_and_base64_are_one_text() -> None:
    """Whichever form a server writes, it is kept as the API's base64."""
    assert encoded(VECTOR) == text_of(*VECTOR) == "AACAPgAAwL8AAEBA"


@pytest.mark.parametrize(
    "numbers",
    [
        [None],
        ["x"],
        ["0.5", "1"],
        [True, False],
        [[1.0], [1.0, 2.0]],
        [[1.0, 2.0]],
        [[1.0, 2.0], [3.0, 4.0]],
        [{}],
        [10**400],
        [1e300],
    ],
)
def test_what_are_no_numbers_is_no_text(numbers: list[object]) -> None:
    """Whatever a server writes, nothing stops, and what is not a vector does not pass for one."""
    assert encoded(numbers) is None


def test_answers_become_one_array_of_lists() -> None:
    """What has no vector is NULL; the texts come back out of the array as the API sent them."""
    output, texts = vectors_of(3), [text_of(*VECTOR), None, text_of(0.5, 0.25, 0.125)]
    parsed = [None if text is None else output.parse(text) for text in texts]

    column = output.typed([row for row in parsed if not isinstance(row, Invalid)])

    assert column.type == pa.struct([("embedding", pa.list_(pa.float32()))]) == output.kind
    assert column.to_pylist() == [{"embedding": VECTOR}, None, {"embedding": [0.5, 0.25, 0.125]}]
    stored = pa.table({"answer": pa.nulls(3, pa.string()), OUTPUT: column})
    assert output.texts(stored).to_pylist() == texts


def test_vector_of_another_size_is_invalid() -> None:
    """A vector of another size would stop the load of all rows."""
    assert vectors_of(3).parse(text_of(1.0)) == Invalid("The embedding has 1 dimensions, not 3.")


def test_no_answers_are_a_column_too() -> None:
    """A batch of failed rows has the same type."""
    assert lists_of([None, None]).to_pylist() == [None, None]
    assert lists_of([]).type == pa.list_(pa.float32())


@pytest.mark.parametrize(
    "text",
    ["", "AAA", "AAAAAAA=", "AAAA\nAAA=", "é", text_of(1.0, math.nan, 2.0), text_of(1.0, math.inf, 2.0)],
)
def test_what_is_no_vector_is_invalid(text: str) -> None:
    """No column of a database takes it."""
    assert isinstance(vectors_of(None).parse(text), Invalid)


@pytest.mark.parametrize(
    ("bound", "reason"),
    [
        (None, None),
        (Items(count=3), None),
        (Items(count=4), "embedding has 3 items, its column 4."),
        (Items(each=Range(least=-2, most=3), nulls=False), None),
        (
            Items(each=Range(least=-1, most=3)),
            "embedding holds a value that is outside of its column's range.",
        ),
        (
            Items(each=Range(least=-2, most=2)),
            "embedding holds a value that is outside of its column's range.",
        ),
    ],
)
def test_a_vector_is_held_against_its_column(bound: Bound | None, reason: str | None) -> None:
    """One that a `vector(n)` or a `halfvec(n)` does not take stops no load."""
    vectors = pa.array([None, VECTOR], pa.list_(pa.float32()))

    assert vectors_of(3).within([bound]).refused([vectors]) == ({} if reason is None else {1: reason})


@pytest.mark.parametrize(
    ("size", "requests", "rows"), [(256, 49_152, 4_096), (1_536, 8_192, 682), (3_072, 4_096, 341)]
)
def test_large_vectors_come_in_smaller_parts(size: int, requests: int, rows: int) -> None:
    """The answers of a shard are 64 MiB at most, and so many rows are held at once as 4 MiB hold."""
    assert (vectors_of(size).most_requests, vectors_of(size).rows) == (requests, rows)


def test_a_vector_of_unknown_size_is_taken_for_a_large_one() -> None:
    """A model that is not known may have the largest."""
    assert vectors_of(None).most_requests == vectors_of(3_072).most_requests
