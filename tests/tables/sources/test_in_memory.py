"""Small tables from an upstream task as a source."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.text.values import texts
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
    """A DataFrame keeps its types; categories are their values, an index is not a column."""
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
        (7, "is a int, which is not a table"),
        ([{"id": {1: "a", "1": "b"}}], "'id' holds .* json .an object has one name twice"),
        ([{"id": [{"a": {None: 1, "None": 2}}]}], "'id' holds .* json .an object has one name twice"),
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
    """Two columns of one name, or a name that is not a name, are refused."""
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


class Frame(pd.DataFrame):
    """A frame of somebody's own."""


LOOP: list[Any] = []
LOOP.append(LOOP)
NO_UTF8 = pa.StringArray.from_buffers(2, pa.array([0, 1, 2], pa.int32()).buffers()[1], pa.py_buffer(b"a\xff"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            pd.DataFrame({"x": pd.Series([Decimal("sNaN")], dtype=object)}),
            "'x' .* holds a decimal that is no",
        ),
        ([{"x": Decimal("sNaN")}, {"x": 1}], "'x' .* cannot be written as decimal"),
        ([{"x": [pd.Timestamp("2026-01-05")]}], "'x' .* cannot be written as json .*Timestamp"),
        ([{"x": {"a": np.int64(1)}}], "'x' .* cannot be written as json .*numpy.int64"),
        ([{"x": [object()]}], "'x' .* cannot be written as json .*object"),
        ([{"x": LOOP}], "'x' holds a value that is nested too deeply"),
        ([{"x": 1.5}, {"x": 2**53 + 1}], "'x' holds floats and an integer beyond"),
        ([{"x\ud800": 1}], "'x\ufffd' whose name holds half of a surrogate pair"),
        (pd.Series([1]), "is a Series, which is not a table"),
        (pd.DataFrame({"x": [1]}).groupby("x"), "is a DataFrameGroupBy, which is not a table"),
        (Frame({"x": pd.Series([object()], dtype=object)}), "Column 'x' holds a object"),
        (
            [{"x": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))}],
            "'x' .* outside of the years 1 to",
        ),
        (
            pa.table({"x": pa.StructArray.from_arrays([pa.array([1])] * 2, ["a", "a"])}),
            "'x': .* two fields of",
        ),
        (pa.table({"x": NO_UTF8}), "'x' .* such as a text that is not UTF-8"),
        (pa.table({"x": NO_UTF8.dictionary_encode()}), "'x' .* such as a text that is not UTF-8"),
    ],
)
def test_no_bare_errors(rows: Any, message: str) -> None:
    """The kind of fault: a value that cannot be passed on raises a library's error, without the column."""
    with pytest.raises(InvalidRequest, match=message):
        read(rows)


def test_frames_of_ones_own() -> None:
    """A kind of DataFrame is one: its periods are their text, and its index is not a column."""
    assert [{"x": "2026Q1"}] == read(Frame({"x": pd.period_range("2026Q1", periods=1, freq="Q")})).to_pylist()


@pytest.mark.parametrize(
    "values", [["a", "b"], [1.5, 2.5], [Decimal("1.50"), None], [[1], [2, 3]], [{"a": 1}, None]]
)
def test_runs_of_every_type(values: list[Any]) -> None:
    """Runs of what Arrow itself does not write out, such as dictionaries and lists, also of a part."""
    inner = pa.array(values)
    inner = inner.dictionary_encode() if values == ["a", "b"] else inner
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 5], pa.int32()), inner)

    assert [values[0]] * 2 + [values[1]] * 3 == read(pa.table({"x": runs}))["x"].to_pylist()
    assert [values[0]] + [values[1]] * 2 == read(pa.table({"x": runs.slice(1, 3)}))["x"].to_pylist()


def test_times_of_a_zone_are_texts() -> None:
    """A column of times would drop the zone, or refuse it once all is paid."""
    [field] = read([{"x": time(1, 2, tzinfo=UTC)}]).schema

    assert (field.type, field.metadata) == (pa.string(), None)
