"""Tables and files have the names that OpenLineage's naming rules give them."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_openai_batch.lineage_names import name_of_path, name_of_table
from tests.servers import postgres, postgres_server  # noqa: F401

pytest.importorskip("openlineage", reason="the hooks of Airflow name their database by its provider")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/tickets", ("file", "/data/tickets")),
        ("file:///data/tickets/", ("file", "/data/tickets")),
        ("/data/2026-*/tickets.csv", ("file", "/data")),
        ("s3://aws_default@bucket/in/tickets", ("s3://bucket", "in/tickets")),
        ("s3://bucket/in/*.parquet", ("s3://bucket", "in")),
        ("gs://bucket", ("gs://bucket", "/")),
    ],
)
def test_a_path_is_a_bucket_and_a_key(path: str, name: tuple[str, str]) -> None:
    """Without a connection; files of a pattern are named by their folder."""
    assert name_of_path(path) == name


@pytest.mark.parametrize(
    ("connection_of", "table", "name"),
    [
        (
            {"conn_type": "postgres", "host": "h", "schema": "db", "port": 6543},
            "dwh.labels",
            ("postgres://h:6543", "db.dwh.labels"),
        ),
        (
            {"conn_type": "postgres", "host": "h", "login": "me"},
            "dwh.labels",
            ("postgres://h:5432", "me.dwh.labels"),
        ),
        (
            {"conn_type": "postgres", "host": "h", "schema": "db"},
            ["a", "b", "c"],
            ("postgres://h:5432", "a.b.c"),
        ),
        ({"conn_type": "mysql", "host": "h", "schema": "db"}, "labels", ("mysql://h:3306", "db.labels")),
        (
            {"conn_type": "mysql", "host": "h", "schema": "db"},
            "other.labels",
            ("mysql://h:3306", "other.labels"),
        ),
        ({"conn_type": "sqlite", "host": "/w.db"}, "labels", ("sqlite:///w.db", "labels")),
        ({"conn_type": "duckdb", "host": "/w.duckdb"}, "main.labels", ("duckdb:///w.duckdb", "main.labels")),
    ],
)
def test_a_table_is_a_server_and_a_name(
    connection: Any, connection_of: dict[str, Any], table: Any, name: tuple[str, str]
) -> None:
    """The connection says what the name does not; a database in a file is named by the file."""
    connection("named", **connection_of)

    assert name_of_table("named", table) == name
    assert "password" not in "".join(name)


def test_a_table_without_a_schema_is_in_the_first_of_the_search_path(postgres: Any) -> None:  # noqa: F811
    """PostgreSQL says which one that is."""
    namespace, name = name_of_table(postgres.conn_id, "labels")

    assert namespace.startswith("postgres://")
    assert name == f"{postgres.fields()['schema']}.public.labels"
