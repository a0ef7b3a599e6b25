"""Connections to real databases, each fresh for its test."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.bigquery import bigquery, bigquery_server
from tests.mariadb import mariadb, mariadb_server
from tests.servers import connect, postgres, postgres_server
from tests.snowflake import snowflake, snowflake_server
from tests.tables.conformance.promises import DATABASES, NOT_ON

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent

__all__ = [
    "bigquery", "bigquery_server", "connect", "mariadb", "mariadb_server", "postgres", "postgres_server",
    "snowflake", "snowflake_server",
]  # fmt: skip


@pytest.fixture
def sqlite_file(tmp_path: Path, connect: Callable[..., str]) -> Path:
    """Give an empty SQLite database behind the connection `warehouse`."""
    path = tmp_path / "warehouse.db"
    connect(conn_type="sqlite", host=str(path))
    sqlite3.connect(path).close()
    return path


@pytest.fixture
def duckdb_file(tmp_path: Path, connect: Callable[..., str]) -> Path:
    """Give an empty DuckDB database behind the connection `warehouse`."""
    path = tmp_path / "warehouse.duckdb"
    connect(conn_type="duckdb", host=str(path))
    return path


@dataclass
class Warehouse:
    """Any database that is written to: its connection and a way around us into it."""

    name: str
    conn_id: str
    execute: Callable[..., list[tuple[Any, ...]]]


def in_mysql(statement: str) -> str:
    """Write a statement of a test as MySQL takes it: its text ends at 64 kB, and it has no such quotes."""
    words = {r"\btext\b": "longtext", r"\btimestamptz\b": "datetime(6)", '"': "`"}
    for word, meant in words.items():
        statement = re.sub(word, meant, statement)
    return statement


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that every warehouse must pass."""
    for item in items:
        if item.path.is_relative_to(HERE) and "warehouse" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.conformance)
            _leave_out(item)


def _leave_out(item: pytest.Item) -> None:
    """Skip what a stand-in cannot tell, with the reason."""
    name, _, parameters = item.name.partition("[")
    for warehouse in (known for known in NOT_ON if parameters.startswith(known)):
        reasons = NOT_ON[warehouse].get(name, {})
        for reason in (reason for part, reason in reasons.items() if part in parameters):
            item.add_marker(pytest.mark.skip(reason=reason))


#: A connection that asks for something of psycopg's own keeps ADBC away.
PSYCOPG = pytest.param("psycopg", marks=pytest.mark.long)


@pytest.fixture(params=[*DATABASES, PSYCOPG])
def warehouse(request: pytest.FixtureRequest) -> Warehouse:
    """Give each of the databases in turn, empty."""
    if request.param == "psycopg":
        database = request.getfixturevalue("postgres")
        fields = database.fields(extra={"cursor": "namedtuplecursor"})
        conn_id = request.getfixturevalue("connect")("psycopg", **fields)
        return Warehouse("postgres", conn_id, database.execute)
    if request.param == "postgres":
        database = request.getfixturevalue("postgres")
        return Warehouse("postgres", database.conn_id, database.execute)
    if request.param == "bigquery":
        dataset = request.getfixturevalue("bigquery")
        return Warehouse("bigquery", dataset.conn_id, dataset.execute)
    if request.param == "snowflake":
        made = request.getfixturevalue("snowflake")
        return Warehouse("snowflake", made.conn_id, made.execute)
    if request.param == "mariadb":
        database = request.getfixturevalue("mariadb")

        def in_mariadb(statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
            return database.execute(in_mysql(statement), parameters=parameters)  # type: ignore[no-any-return]

        return Warehouse("mariadb", database.conn_id, in_mariadb)
    path = request.getfixturevalue(f"{request.param}_file")
    open_ = {"sqlite": sqlite3.connect, "duckdb": duckdb.connect}[request.param]

    def execute(statement: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        connection = open_(str(path))
        try:
            rows = connection.execute(statement, parameters).fetchall()
            connection.commit()
            return rows
        finally:
            connection.close()

    return Warehouse(request.param, "warehouse", execute)
