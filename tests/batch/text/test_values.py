"""The text of a value."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.text.values import clean, texts
from airflow_provider_openai_batch.exceptions import InvalidRequest

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 60_000, tzinfo=UTC)
STAMP = int(MOMENT.timestamp()) * 1_000_000_000
NO_NUMBERS = {"", "inf", "-inf"}
SOME_ID = UUID("AAAAAAAA-0000-4000-8000-00000000000B")


@pytest.mark.parametrize(
    ("values", "kind", "written"),
    [
        (["a", None, "ß"], pa.string(), ["a", "", "ß"]),
        (["a", None], pa.large_string(), ["a", ""]),
        (["a", None], pa.string_view(), ["a", ""]),
        (["a", None, "a"], pa.dictionary(pa.int8(), pa.string()), ["a", "", "a"]),
        ([True, False, None], pa.bool_(), ["true", "false", ""]),
        ([-1, 2**63 - 1, None], pa.int64(), ["-1", "9223372036854775807", ""]),
        ([2**64 - 1], pa.uint64(), ["18446744073709551615"]),
        ([0.1, 1e16, float("nan"), None, -0.0], pa.float64(), ["0.1", "1e+16", "", "", "-0.0"]),
        ([0.1, 16777216, None], pa.float32(), ["0.1", "16777216.0", ""]),
        ([0.1, None], pa.float16(), ["0.1", ""]),
        ([Decimal("1.5"), Decimal(0), None], pa.decimal128(20, 4), ["1.5000", "0.0000", ""]),
        ([Decimal(1200)], pa.decimal128(5, -2), ["1200"]),
        ([date(2026, 1, 2), None], pa.date32(), ["2026-01-02", ""]),
        ([date(2026, 1, 2)], pa.date64(), ["2026-01-02"]),
        ([MOMENT], pa.timestamp("us", "UTC"), ["2026-01-02T03:04:05.060000Z"]),
        ([MOMENT, None], pa.timestamp("ms", "Asia/Tokyo"), ["2026-01-02T03:04:05.060000Z", ""]),
        ([MOMENT.replace(tzinfo=None, microsecond=0)], pa.timestamp("s"), ["2026-01-02T03:04:05"]),
        (
            [STAMP, STAMP + 60_000_000, STAMP + 1],
            pa.timestamp("ns"),
            ["2026-01-02T03:04:05", "2026-01-02T03:04:05.060000", "2026-01-02T03:04:05.000000001"],
        ),
        ([time(1, 2, 3), None], pa.time32("s"), ["01:02:03", ""]),
        ([time(1, 2, 3, 4)], pa.time64("us"), ["01:02:03.000004"]),
        ([timedelta(days=1, seconds=2), None], pa.duration("us"), ["P1DT2S", ""]),
        ([b"\xff\x00", None], pa.binary(), ["/wA=", ""]),
        ([b"ab"], pa.binary(2), ["YWI="]),
        ([SOME_ID.bytes, None], pa.uuid(), ["aaaaaaaa-0000-4000-8000-00000000000b", ""]),
        (['{"a": 1}'], pa.json_(), ['{"a": 1}']),
        ([None, None], pa.null(), ["", ""]),
        ([[1, None], None, []], pa.list_(pa.int64()), ["[1,null]", "", "[]"]),
        ([[0.1, float("inf"), float("nan")]], pa.list_(pa.float32()), ["[0.1,null,null]"]),
        ([[True, None]], pa.large_list(pa.bool_()), ["[true,null]"]),
        ([[Decimal("1.50")]], pa.list_(pa.decimal128(5, 2)), ["[1.50]"]),
        ([['a"b', None], None], pa.list_(pa.string(), 2), ['["a\\"b",null]', ""]),
        ([[MOMENT]], pa.list_(pa.timestamp("us", "UTC")), ['["2026-01-02T03:04:05.060000Z"]']),
        (
            [{"a": 1, "b": None}, None],
            pa.struct([("a", pa.int8()), ("b", pa.string())]),
            ['{"a":1,"b":null}', ""],
        ),
        ([{}, None], pa.struct([]), ["{}", ""]),
        ([[{"a": [1]}]], pa.list_(pa.struct([("a", pa.list_(pa.int8()))])), ['[{"a":[1]}]']),
        ([[("k", 1), ("l", None)], None], pa.map_(pa.string(), pa.int64()), ['{"k":1,"l":null}', ""]),
    ],
)
def test_each_type_has_one_text(values: list[Any], kind: pa.DataType, written: list[str]) -> None:
    """The text of a value depends on its type only; NULL is the empty string."""
    if pa.types.is_float16(kind):
        values = pa.array(values, pa.float64()).cast(kind)
    column = pa.array(values, kind) if isinstance(values, list) else values

    assert written == texts(column)
    assert written[1:] == texts(column.slice(1))


def test_chunks_are_read_one_after_the_other() -> None:
    """A chunked column is as good as a plain one."""
    assert texts(pa.chunked_array([["a"], ["b", None]])) == ["a", "b", ""]


def test_a_type_without_text_is_refused() -> None:
    """An interval of months has no text of its own."""
    with pytest.raises(InvalidRequest, match="cast it to another type"):
        texts(pa.array([None], pa.month_day_nano_interval()))


@given(st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"])))))
def test_strings_are_their_own_text(values: list[str | None]) -> None:
    """Text goes through unchanged."""
    assert texts(pa.array(values, pa.string())) == [value or "" for value in values]


@given(st.lists(st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]))))))
def test_lists_are_json(values: list[list[str | None]]) -> None:
    """A list is JSON that gives the list back."""
    assert [json.loads(text) for text in texts(pa.array(values, pa.list_(pa.string())))] == values


@given(
    st.lists(
        st.none()
        | st.lists(st.none() | st.floats(width=32) | st.sampled_from([1e-4, 9.9e-5, 1e7, 0.1, 123456.5]))
    )
)
def test_lists_of_numbers_are_written_as_numbers_are(rows: list[list[float | None] | None]) -> None:
    """However many there are, each has the text that it has alone."""
    for kind in (pa.float32(), pa.float64()):
        column = pa.array(rows, pa.list_(kind))
        alone = [
            None if row is None else [texts(pa.array([n], kind))[0] for n in row]
            for row in column.to_pylist()
        ]
        shown = [
            "" if row is None else f"[{','.join('null' if t in NO_NUMBERS else t for t in row)}]"
            for row in alone
        ]

        assert texts(column) == shown
        assert texts(column[1:]) == shown[1:]


@pytest.mark.parametrize(
    ("text", "cleaned", "count"),
    [
        ("abc", "abc", 0),
        ("ß\u2028", "ß\u2028", 0),
        ("a\ud800b", "a�b", 1),
        ("\ud83d\ude00", "😀", 0),
        ("\ude00", "�", 1),
    ],
)
def test_lone_surrogates_are_replaced_and_counted(text: str, cleaned: str, count: int) -> None:
    """What UTF-8 cannot hold becomes U+FFFD; a pair becomes the character that it means."""
    assert clean(text) == (cleaned, count)


@given(st.text(st.characters()))
def test_clean_text_can_be_encoded(text: str) -> None:
    """Whatever comes in, UTF-8 takes what comes out."""
    cleaned, count = clean(text)

    assert cleaned.encode().decode() == cleaned
    assert count or clean(cleaned) == (cleaned, 0)
