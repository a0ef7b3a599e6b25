"""From an Airflow connection to a source and a target."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.resolve import columns_of, resolve_source, resolve_target
from airflow_provider_openai_batch.tables.warehouses import read_only, registry

if TYPE_CHECKING:
    from pathlib import Path


def test_missing_connection() -> None:
    """A connection that is not defined is named, on both ends."""
    with pytest.raises(InvalidRequest, match=r"source\['conn_id'\] 'nowhere' is not defined"):
        resolve_source(arguments.source({"conn_id": "nowhere", "table": "t", "key": "id"}))
    with pytest.raises(InvalidRequest, match=r"target\['conn_id'\] 'nowhere' is not defined"):
        resolve_target(arguments.Target(conn_id="nowhere", table="t"))


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"table": "tikets"}, r"source\['table'\] \('tikets'\), or"),
        ({"table": "tikets", "where": "id > 1"}, r"source\['table'\] \('tikets'\) or source\['where'\], or"),
        ({"sql": "SELECT * FROM tikets"}, r"source\['sql'\], or"),
    ],
)
def test_a_query_that_is_refused_says_what_to_correct(sqlite_file: Path, given: Any, what: str) -> None:
    """The database's word, the argument of the DAG, and the connection."""
    args = arguments.source({"conn_id": "warehouse", "key": "id", **given})

    with pytest.raises(InvalidRequest, match=f"no such table: tikets. Correct {what} .*'warehouse'"):
        columns_of(resolve_source(args), args)


def test_not_a_database(connect: Any) -> None:
    """A connection to something else than a database is refused."""
    connect(conn_type="openai_batch", password="x")

    with pytest.raises(InvalidRequest, match=r"not a SQL database|cannot be used"):
        resolve_source(arguments.source({"conn_id": "warehouse", "table": "t", "key": "id"}))


@pytest.mark.parametrize(
    ("kind", "package"),
    [
        ("snowflake", r"airflow-provider-openai-batch\[snowflake\]"),
        ("trino", "apache-airflow-providers-trino"),
        ("nope", "the provider that brings such connections"),
    ],
)
def test_a_missing_provider_is_named(connect: Any, kind: str, package: str) -> None:
    """The kind of fault: a type that no provider brings fails without a word about what to install."""
    if kind == "snowflake" and find_spec("airflow.providers.snowflake") is not None:
        pytest.skip("its provider is installed")
    connect(conn_type=kind)
    wanted = (
        rf"\['conn_id'\] 'warehouse' cannot be opened .*type '{kind}' need a package; install {package}\."
    )

    with pytest.raises(InvalidRequest, match=f"target{wanted}"):
        resolve_target(arguments.Target(conn_id="warehouse", table="t"))
    with pytest.raises(InvalidRequest, match=f"source{wanted}"):
        resolve_source(arguments.source({"conn_id": "warehouse", "table": "t", "key": "id"}))


def test_every_type_that_we_quote_has_a_package() -> None:
    """What is read or written by name can be installed by name."""
    known = {*registry.WAREHOUSES, *read_only.READ, *read_only.SQL_HOOKS}
    assert {} == {kind: said for kind in known if "the provider that" in (said := registry.install_for(kind))}


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
