"""From an Airflow connection to a source and a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.resolve import resolve_source, resolve_target

if TYPE_CHECKING:
    from pathlib import Path


def test_missing_connection() -> None:
    """A connection that is not defined is named, on both ends."""
    with pytest.raises(InvalidRequest, match=r"source\['conn_id'\] 'nowhere' is not defined"):
        resolve_source(arguments.source({"conn_id": "nowhere", "table": "t", "key": "id"}))
    with pytest.raises(InvalidRequest, match=r"target\['conn_id'\] 'nowhere' is not defined"):
        resolve_target(arguments.Target(conn_id="nowhere", table="t"))


def test_not_a_database(connect: Any) -> None:
    """A connection to something else than a database is refused."""
    connect(conn_type="openai_batch", password="x")

    with pytest.raises(InvalidRequest, match=r"no SQL database|cannot be used"):
        resolve_source(arguments.source({"conn_id": "warehouse", "table": "t", "key": "id"}))


def test_unknown_type(connect: Any) -> None:
    """A type without a provider is refused, with Airflow's reason."""
    connect(conn_type="nope")

    with pytest.raises(InvalidRequest, match="nope"):
        resolve_target(arguments.Target(conn_id="warehouse", table="t"))


def test_no_such_table(sqlite_file: Path) -> None:
    """A table that does not exist is named by the database."""
    source = resolve_source(arguments.source({"conn_id": "warehouse", "table": "nope", "key": "id"}))

    with pytest.raises(InvalidRequest, match="no such table: nope"):
        source.columns()


def test_two_columns_of_one_name(sqlite_file: Path) -> None:
    """A query that names two columns alike needs an alias."""
    sql = "SELECT * FROM (SELECT 1 AS id) a JOIN (SELECT 2 AS id) b"
    source = resolve_source(arguments.source({"conn_id": "warehouse", "sql": sql, "key": "id"}))

    assert len(set(source.columns())) == len(source.columns())
