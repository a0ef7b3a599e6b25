"""How a source and a target are named for people."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.arguments.end_names import source_name, target_name


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ({"conn_id": "warehouse", "table": "mart.labels"}, "warehouse.mart.labels"),
        ({"conn_id": "warehouse", "table": ["mart", "my labels"]}, "warehouse.mart.my labels"),
        ({"path": "s3://lake/labels", "mode": "append"}, "s3://lake/labels"),
    ],
)
def test_a_target_is_named_as_a_person_knows_it(target: dict[str, Any], name: str):
    """By its connection and table, or by its path."""
    assert target_name(arguments.target(target)) == name


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ({"conn_id": "w", "table": "mart.tickets"}, "w.mart.tickets"),
        ({"conn_id": "w", "table": "t", "where": "token = 'secret'"}, "w.t, with a condition"),
        ({"conn_id": "w", "sql": "select * from t where token = 'secret'"}, "a query of w"),
        ({"path": "s3://aws_default@lake/in/*.parquet"}, "s3://aws_default@lake/in/*.parquet"),
        ({"path": "sftp://me:secret@host/in.csv"}, "sftp://me@host/in.csv"),
        ({"path": "https://host/in.csv?signature=secret"}, "https://host/in.csv"),
        ({"path": "/data/in.csv"}, "/data/in.csv"),
        ({"path": "s3://lake/day=?/in.csv"}, "s3://lake/day=?/in.csv"),
    ],
)
def test_a_source_is_named_without_what_may_be_secret(source: dict[str, Any], name: str):
    """Neither SQL nor a condition, a password, or the signature of a URL is in a report."""
    assert source_name(arguments.source(source | {"key": "id"})) == name


def test_rows_of_a_task_have_no_name():
    """They come from Python, whatever made them."""
    assert source_name(arguments.source({"key": "id"}, has_rows=True)) == "rows made by Python"
