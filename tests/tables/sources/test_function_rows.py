"""A function is a source like a table: rows of any number, with one type for each column."""

from __future__ import annotations

import tracemalloc
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS
from airflow_provider_openai_batch.tables.resolve import resolve_source
from airflow_provider_openai_batch.tables.types import arrow_types


def opened(made):
    """Return the source of a function that returns, or yields, this."""
    return resolve_source(arguments.source({"key": "id"}, has_call=True), call=lambda: made)


def read(source, *columns):
    """Return the rows, and the schema that all batches have."""
    with source.read(columns or source.columns()) as batches:
        found = list(batches)
    assert len({batch.schema for batch in found}) == 1
    return [row for batch in found for row in batch.to_pylist()], found[0].schema


@pytest.mark.parametrize(
    "made",
    [
        [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}],
        iter([{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]),
        pd.DataFrame({"id": [1, 2], "text": ["a", "b"]}),
        pa.table({"id": [1, 2], "text": ["a", "b"]}),
        pa.table({"id": [1, 2], "text": ["a", "b"]}).to_batches()[0],
        pa.table({"id": [1, 2], "text": ["a", "b"]}).to_reader(),
        iter([[{"id": 1, "text": "a"}], pd.DataFrame({"text": ["b"], "id": [2]})]),
        iter([{"id": 1, "text": "a"}, pa.table({"text": ["b"], "id": [2]})]),
    ],
    ids=["list", "generator", "pandas", "arrow", "batch", "reader", "lists and frames", "dicts and tables"],
)
def test_what_a_function_may_return(made):
    """Whatever form the rows have, they are the same rows, in their order."""
    rows, schema = read(opened(made))

    assert rows == [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]
    assert schema == pa.schema([("id", pa.int64()), ("text", pa.string())])


@pytest.mark.parametrize("first", [0, 1, BATCH_ROWS, BATCH_ROWS + 1])
def test_a_type_may_show_late(first):
    """A block without a value says nothing of the type; later ones do, and wider numbers are taken."""

    def rows():
        yield from ({"id": n, "score": None, "day": None, "price": 1} for n in range(first))
        yield {"id": first, "score": 1, "day": date(2026, 1, 1), "price": Decimal("1.5")}
        yield [{"id": first + 1, "score": 0.5, "note": "new", "price": 2}]

    found, schema = read(opened(rows()))

    assert [row["id"] for row in found] == list(range(first + 2))
    assert found[-2:] == [
        {"id": first, "score": 1.0, "day": date(2026, 1, 1), "price": "1.5", "note": None},
        {"id": first + 1, "score": 0.5, "day": None, "price": "2", "note": "new"},
    ]
    assert [schema.field(name).type for name in ("score", "day")] == [pa.float64(), pa.date32()]
    assert arrow_types.logical(schema.field("price")) == "decimal"


def test_a_column_without_values_is_text():
    """As in a list of rows: what is only NULL lands as text."""
    rows, schema = read(opened([{"id": 1, "text": None}]))

    assert rows == [{"id": 1, "text": None}]
    assert schema.field("text") == pa.field("text", pa.string())


@pytest.mark.parametrize(
    ("later", "told"),
    [
        ("x", "Column 'n' of what source['call'] yields is int64 in the first 1 rows, and string after them"),
        (
            timedelta(days=1),
            "Column 'n' of what source['call'] yields is int64 in the first 1 rows, and dura",
        ),
        ([1], "Column 'n' of what source['call'] yields is int64 in the first 1 rows, and json after them"),
    ],
)
def test_two_types_that_nothing_fits(later, told):
    """The message names the column, both types, and where the second begins; never a value."""
    source = opened(iter([[{"n": 1}], [{"n": later}]]))

    with pytest.raises(InvalidRequest) as raised:
        source.columns()

    assert told in str(raised.value)


def test_a_number_that_a_float_does_not_hold():
    """A key is never rounded: 2**53 + 1 among floats is an error."""
    source = opened(iter([[{"n": 2**53 + 1}], [{"n": 0.5}]]))

    with pytest.raises(InvalidRequest, match="has values that double, the type of other rows, cannot hold"):
        read(source)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"id": 1}, r"source\['call'\] returned a dict; yield dicts, one for each row"),
        ("rows", r"source\['call'\] returned a str; yield dicts"),
        (7, r"What source\['call'\] yields is a int, which is not a table"),
        (iter([1, 2]), r"What source\['call'\] yields holds a int; give dicts, one for each row"),
        ([{"id": 1}, "x"], r"What source\['call'\] yields holds a str; give dicts"),
        (
            pd.DataFrame({("a", "b"): [1]}),
            r"What source\['call'\] yields has a column whose name is \('a', 'b'\)",
        ),
    ],
)
def test_what_is_not_rows(made, told):
    """The message names what was found, and shows what to give."""
    with pytest.raises(InvalidRequest, match=told):
        opened(made).columns()


@pytest.mark.parametrize("made", [None, [], iter(())])
def test_no_rows(made):
    """A function that yields nothing is a source without rows, and without columns."""
    source = opened(made)

    assert source.columns() == ()
    with source.read(()) as batches:
        assert sum(batch.num_rows for batch in batches) == 0


def test_it_is_called_once():
    """Its rows are read as often as one likes, without asking the API behind it again."""
    calls = []
    source = resolve_source(
        arguments.source({"key": "id"}, has_call=True), call=lambda: calls.append(1) or [{"id": 1}]
    )

    assert source.columns() == ("id",)
    assert read(source) == read(source)
    assert len(calls) == 1


def test_an_error_of_the_function_is_its_own():
    """Who wrote the function sees where it failed."""

    def rows():
        yield {"id": 1}
        raise LookupError("page 2")

    with pytest.raises(LookupError, match="page 2"):
        opened(rows()).columns()


@pytest.mark.long
def test_memory_does_not_grow_with_the_rows():
    """200,000 rows of a kilobyte take what one block takes."""

    def rows(count):
        yield from ({"id": n, "text": f"{n} {'x' * 1_000}"} for n in range(count))

    def peak(count):
        tracemalloc.start()
        before = pa.default_memory_pool().max_memory()
        source = opened(rows(count))
        with source.read(("id", "text")) as batches:
            assert sum(batch.num_rows for batch in batches) == count
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used, pa.default_memory_pool().max_memory() - before

    small = peak(20_000)
    assert max(peak(200_000)) <= 1.2 * max(small)
