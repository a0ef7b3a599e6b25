"""`partition_source`: what it takes, and what it refuses before a database is read."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch import partition_source
from airflow_provider_openai_batch.exceptions import InvalidRequest

TABLE = {"conn_id": "nowhere", "table": "t", "key": "id"}


def test_values_and_bounds_read_nothing() -> None:
    """They serve while a DAG is parsed, also with a template in the source."""
    source = TABLE | {"where": "day = '{{ ds }}'"}

    assert len(partition_source(source, "region", values=["eu", "us"])) == 2
    assert len(partition_source(source, "id", bounds=range(10, 40, 10))) == 4
    assert partition_source(source, "id", parts=1) == [source]


@pytest.mark.parametrize("given", [{}, {"values": [1], "parts": 2}])
def test_one_way_to_cut(given: dict[str, object]) -> None:
    """More than one, or none, is an error."""
    with pytest.raises(InvalidRequest, match="exactly one of values, bounds, and parts"):
        partition_source(TABLE, "id", **given)


@pytest.mark.parametrize("parts", [0, -1, 1_025])
def test_a_number_of_parts_that_airflow_maps(parts: int) -> None:
    """Airflow maps a task 1,024 times at most, unless it is told otherwise."""
    with pytest.raises(InvalidRequest, match="1 to 1,024"):
        partition_source(TABLE, "id", parts=parts)


def test_other_sources_are_refused() -> None:
    """Files have no columns before they are read."""
    with pytest.raises(InvalidRequest, match="'sql' or 'table'"):
        partition_source({"path": "s3://lake/", "key": "id"}, "id", parts=2)


@pytest.mark.parametrize(
    ("source", "given"),
    [
        (TABLE | {"where": "day = '{{ ds }}'"}, {"parts": 2}),
        (TABLE, {"bounds": "select id from t where day = '{{ ds }}'"}),
    ],
)
def test_a_query_of_a_template_is_refused(source: dict[str, object], given: dict[str, object]) -> None:
    """Nothing has rendered it when the helper runs."""
    with pytest.raises(InvalidRequest, match="before Airflow renders"):
        partition_source(source, "id", **given)
