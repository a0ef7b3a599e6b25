"""The partition that a load replaces."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.statements.partition import (
    check_partition,
    fill_partition,
    with_partition,
)
from tests.tables.factories import make_landing, make_rows


def test_value_is_written() -> None:
    """A column that the result does not carry is added with the partition's value."""
    landing = make_landing(mode="replace_partition", partition={"day": "2026-01-05", "n": 5})
    whole = with_partition(landing)

    (batch,) = fill_partition(whole, make_rows(landing, {"id": 1}, {"id": 2}))

    assert ["2026-01-05", "2026-01-05"] == batch.column("day").to_pylist()
    assert [5, 5] == batch.column("n").to_pylist()
    assert whole.schema == batch.schema


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (pa.array(["x", "x"]), "x"),
        (pa.array([date(2026, 1, 5)]), "2026-01-05"),
        (pa.array([date(2026, 1, 5)]), date(2026, 1, 5)),
        (pa.array([7], pa.int32()), "7"),
        (pa.array(["7"]), 7),
        (pa.array([], pa.string()), "x"),
    ],
)
def test_carried_value(column: pa.Array, value: Any) -> None:
    """A carried column may hold the value in its own type."""
    check_partition("day", column, value)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (pa.array(["x", "secret"]), "x"),
        (pa.array(["x", None]), "x"),
        (pa.array([1]), "x"),
        (pa.array([8]), 7),
    ],
)
def test_carried_value_that_differs(column: pa.Array, value: Any) -> None:
    """Another value, NULL, or a value that does not fit the type is an error without the row's text."""
    with pytest.raises(InvalidRequest, match="'day' of the source is not always") as caught:
        check_partition("day", column, value)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 1.5, [1], datetime(2026, 1, 5)])  # noqa: DTZ001
def test_no_partition_value(value: Any) -> None:
    """A value that cannot tell partitions apart is refused."""
    with pytest.raises(InvalidRequest, match=r"partition'\]\['day'\]"):
        with_partition(make_landing(mode="replace_partition", partition={"day": value}))


@pytest.mark.parametrize("value", ["\ud800", 2**70])
def test_a_value_that_no_column_has(value: Any) -> None:
    """What cannot be written is named before anything is sent."""
    landing = make_landing(mode="replace_partition", partition={"day": value})

    with pytest.raises(InvalidRequest, match=r"\['day'\] is .*; give a string without halves"):
        with_partition(landing)
