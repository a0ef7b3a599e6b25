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
from airflow_provider_openai_batch.batch.values import texts
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


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pd.array(pd.PeriodIndex(["2026Q1", None], freq="Q")), ["2026Q1", None]),
        (pd.array(pd.interval_range(0, 2)), ["(0, 1]", "(1, 2]"]),
        (pd.Categorical(pd.PeriodIndex(["2026-01", None], freq="M")), ["2026-01", None]),
        (pd.cut([1, 2], [0, 1, 2]), ["(0, 1]", "(1, 2]"]),
        (pd.arrays.SparseArray([1, 0]), [1, 0]),
        (pd.arrays.SparseArray([1.5, None]), [1.5, None]),
        (pd.array([1, None], dtype="Int64"), [1, None]),
        (pd.array([True, None], dtype="boolean"), [True, None]),
        (pa.array([True, None], pa.bool_()), [True, None]),
    ],
    ids=["period", "interval", "category", "cut", "sparse", "sparse-null", "Int64", "boolean", "arrow"],
)
def test_types_of_pandas(values: Any, texts: list[Any]) -> None:
    """What pandas keeps in its own form is sent as it shows it."""
    frame = pd.DataFrame({"id": [1, 2], "x": values}) if not isinstance(values, pa.Array) else None
    table = read(pa.table({"id": [1, 2], "x": values.cast(pa.bool8())}) if frame is None else frame)

    assert texts == table.column("x").to_pylist()


class Degrees(pa.ExtensionType):
    """A type of somebody's own, stored as tenths."""

    def __init__(self) -> None:
        super().__init__(pa.int64(), "mine.degrees")

    def __arrow_ext_serialize__(self) -> bytes:
        """Write nothing."""
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: Any, serialized: bytes) -> Degrees:
        """Make it again."""
        del storage_type, serialized
        return cls()


def test_extension_types() -> None:
    """A type that only its own library can read is refused where it is used, and elsewhere left alone."""
    array = pa.ExtensionArray.from_storage(Degrees(), pa.array([215]))
    source = resolve_source(
        arguments.source({"key": "id"}, has_rows=True), pa.table({"id": [1], "heat": array})
    )

    with source.read(["id"]) as batches:
        assert 1 == sum(batch.num_rows for batch in batches)
    with pytest.raises(InvalidRequest, match=r"'heat' has the extension type 'mine\.degrees'"):
        source.read(["heat"]).__enter__()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns named 'a'"),
        (pd.DataFrame([[1, 2]], columns=["1", 1]), "two columns named '1'"),
        (pa.Table.from_arrays([pa.array([1])] * 2, names=["a", "a"]), "two columns named 'a'"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "a tuple; name columns"),
    ],
)
def test_names_of_columns(rows: Any, message: str) -> None:
    """Two columns of one name, or a name that is no name, are refused."""
    with pytest.raises(InvalidRequest, match=message):
        read(rows)


@pytest.mark.parametrize("as_frame", [False, True])
def test_times_of_pandas_keep_their_nanoseconds(as_frame):
    """They are what a column of their own type is, also as objects and in dicts."""
    at, zoned = pd.Timestamp("2026-01-01T00:00:00.123456789"), pd.Timestamp("2026-01-01T00:00:00.000000001Z")
    row = {"id": 1, "at": at, "zoned": zoned, "took": pd.Timedelta("1 days 00:00:02")}
    rows = pd.DataFrame({name: pd.Series([value], dtype=object) for name, value in row.items()})

    table = read(rows if as_frame else [row])

    assert [texts(column) for column in table.columns] == [
        ["1"], ["2026-01-01T00:00:00.123456789"], ["2026-01-01T00:00:00.000000001Z"], ["P1DT2S"],
    ]  # fmt: skip
