"""A source cut into partitions: the SQL of each, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from airflow_provider_openai_batch.batch.arguments.partitions import (
    LONGEST_NAME,
    by_bounds,
    by_values,
    literal,
    partition_name,
)
from airflow_provider_openai_batch.exceptions import InvalidRequest

TABLE = {"conn_id": "w", "table": "t", "key": "id"}
QUERY = {"conn_id": "w", "sql": "select * from t; ", "key": "id"}


def conditions(sources: list[dict[str, object]]) -> list[object]:
    return [source["where"] for source in sources]


def test_a_value_each() -> None:
    """One source for each value, once, in their order; None is NULL; all else of the source stays."""
    made = by_values(TABLE, "region", ["eu", None, "o'us", "eu"])

    assert conditions(made) == ["region = 'eu'", "region IS NULL", "region = 'o''us'"]
    assert [{**source, "where": ""} for source in made] == [TABLE | {"where": ""}] * 3


def test_ranges_meet_and_have_no_end() -> None:
    """A row that is new, below all, above all, or without a value is in one range, too."""
    made = by_bounds(TABLE, "id", [20, 10, 20])

    assert conditions(made) == ["(id < 10 OR id IS NULL)", "id >= 10 AND id < 20", "id >= 20"]


def test_texts_need_no_order() -> None:
    """How texts are sorted is the database's matter: each range ends before all later ones begin."""
    assert conditions(by_bounds(TABLE, "id", ["b", "a"])) == [
        "(id < 'b' AND id < 'a' OR id IS NULL)", "id >= 'b' AND id < 'a'", "id >= 'a'"
    ]  # fmt: skip


def test_no_bounds_are_one_partition() -> None:
    """An empty table has no bounds; its only partition reads it as it is."""
    assert by_bounds(TABLE, "id", []) == [TABLE]


def test_the_sources_own_condition_holds() -> None:
    """A comment at the end of the user's condition or query hides nothing of ours."""
    of_table = by_values(TABLE | {"where": "a or b -- c"}, "id % 2", [0])
    of_query = by_values(QUERY, "id", [1])

    assert conditions(of_table) == ["(id % 2) = 0 AND (\na or b -- c\n)"]
    assert of_query[0]["sql"] == "SELECT * FROM (\nselect * from t\n) partition_of WHERE id = 1"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (7, "7"),
        (True, "TRUE"),
        (0.1, "0.1"),
        (Decimal("1E+2"), "100"),
        (date(2026, 1, 5), "'2026-01-05'"),
        (datetime(2026, 1, 5, 6, tzinfo=UTC), "'2026-01-05 06:00:00+00:00'"),
        (UUID(int=1), "'00000000-0000-0000-0000-000000000001'"),
    ],
)
def test_values_are_written_as_sql(value: object, written: str) -> None:
    """Types that all databases read alike."""
    assert literal(value) == written


@pytest.mark.parametrize(
    "value", [b"x", float("nan"), Decimal("Infinity"), "a\\", "{{ ds }}", "{% raw %}", object(), ["x"]]
)
def test_what_sql_cannot_say_safely_is_refused(value: object) -> None:
    """A backslash and template braces mean something else to some databases and to Airflow."""
    with pytest.raises(InvalidRequest, match=f"value of type {type(value).__name__}; give a number"):
        literal(value)


@pytest.mark.parametrize("other", ["EU", "eu ", "éu"])
def test_values_that_a_database_takes_for_one_are_refused(other: str) -> None:
    """Their rows would be in two partitions, and be paid for twice."""
    with pytest.raises(InvalidRequest, match="sent twice"):
        by_values(TABLE, "region", ["eu", other])


@pytest.mark.parametrize(("bounds", "named"), [([1, None], "NULL"), ([1, date(2026, 1, 5)], "date, int")])
def test_bounds_that_have_no_order_are_refused(bounds: list[object], named: str) -> None:
    """Ranges between them would overlap."""
    with pytest.raises(InvalidRequest, match=named):
        by_bounds(TABLE, "id", bounds)


def test_a_percent_sign_beside_parameters_is_refused() -> None:
    """A driver would read it as the start of one."""
    with pytest.raises(InvalidRequest, match="mod"):
        by_values(QUERY | {"parameters": [1]}, "id % 2", [0])


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (by_values(TABLE, "region", ["eu"])[0], "region = 'eu'"),
        (by_values(QUERY, "region", ["eu"])[0], "region = 'eu'"),
        (QUERY | {"parameters": {"day": "2026-01-05", "part": 3}}, "day=2026-01-05, part=3"),
        ({"path": "s3://lake/day=1/", "key": "id"}, "s3://lake/day=1/"),
        (TABLE, "t"),
        (TABLE | {"where": "x" * 300}, "x" * LONGEST_NAME),
        (QUERY, ""),
        ("{{ params.source }}", ""),
    ],
)
def test_a_partition_is_called_by_what_tells_it_apart(source: object, name: str) -> None:
    """The name that a person sees in the list of mapped tasks; Airflow keeps its first 250 characters."""
    assert partition_name(source) == name
