"""Small tables from an upstream task as a source."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pandas as pd
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.resolve import resolve_source


def read(rows: Any) -> pa.Table:
    source = resolve_source(arguments.source({"key": "id"}, has_rows=True), rows)
    with source.read(source.columns()) as batches:
        return pa.Table.from_batches(list(batches))


def test_dicts() -> None:
    """A missing name is NULL; integers among floats are floats; nested values are JSON."""
    table = read([
        {"id": 1, "score": 1, "price": Decimal("1.50"), "doc": {"a": [date(2026, 1, 5)]}},
        {"id": 2, "score": 0.5, "price": 2, "ref": UUID(int=1)},
    ])  # fmt: skip

    assert [
        {"id": 1, "score": 1.0, "price": "1.5", "doc": '{"a":["2026-01-05"]}', "ref": None},
        {"id": 2, "score": 0.5, "price": "2", "doc": None, "ref": "00000000-0000-0000-0000-000000000001"},
    ] == table.to_pylist()
    assert ["decimal", "json", "uuid"] == [
        table.schema.field(name).metadata[b"logical"].decode() for name in ("price", "doc", "ref")
    ]


def test_lone_surrogates() -> None:
    """What UTF-8 cannot hold becomes U+FFFD, also inside nested values."""
    table = read([{"id": 1, "body": "a\ud800b", "doc": ["\udfff"]}])

    assert [{"id": 1, "body": "a\ufffdb", "doc": '["\ufffd"]'}] == table.to_pylist()


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"id": [1, 2], "body": ["x", None]}),
        pd.DataFrame({"id": [1, 2], "body": pd.Categorical(["x", None])}, index=[7, 8]),
        pa.table({"id": [1, 2], "body": pa.array(["x", None], pa.large_string())}),
        pa.record_batch({"id": [1, 2], "body": pa.array(["x", None]).dictionary_encode()}),
    ],
    ids=["pandas", "category", "arrow", "batch"],
)
def test_frames(frame: Any) -> None:
    """A DataFrame keeps its types; categories are their values, an index is no column."""
    table = read(frame)

    assert [{"id": 1, "body": "x"}, {"id": 2, "body": None}] == table.to_pylist()
    assert [pa.int64(), pa.string()] == table.schema.types


@pytest.mark.parametrize("rows", [[{"id": 1}, {"id": "secret"}], pd.DataFrame({"id": [1, "secret"]})])
def test_mixed_types(rows: Any) -> None:
    """Two types in one column are an error that names the column only."""
    with pytest.raises(InvalidRequest, match="'id' mixes int and text") as caught:
        read(rows)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"id": n} for n in range(10_001)], "10,001 rows"),
        ([{"id": 1, "body": "x" * 1_000_001}], "bytes, more than 1,000,000"),
        (["secret"], "holds a str; give dicts"),
        ([{1: 2}], "name columns by strings"),
        ([{"id": object()}], "'id' holds a object"),
        (7, "is a int, which is no table"),
    ],
)
def test_refused(rows: Any, message: str) -> None:
    """What is too large or no table is refused, with what to do."""
    with pytest.raises(InvalidRequest, match=message):
        read(rows)


def test_no_rows() -> None:
    """An empty list has no columns; an empty DataFrame keeps its typed ones."""
    nothing = resolve_source(arguments.source({"key": "id"}, has_rows=True), [])
    empty = read(pd.DataFrame({"id": pd.Series([], dtype="int64"), "body": []}))

    with nothing.read([]) as batches:
        assert [] == list(batches)
    assert () == nothing.columns()
    assert (0, pa.int64()) == (empty.num_rows, empty.schema.field("id").type)
