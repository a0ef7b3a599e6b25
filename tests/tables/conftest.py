"""Connections to real databases, each fresh for its test."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.servers import connect, postgres, postgres_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["connect", "postgres", "postgres_server"]


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


@pytest.fixture(params=["sqlite", "duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest) -> Warehouse:
    """Give each of the databases in turn, empty."""
    if request.param == "postgres":
        database = request.getfixturevalue("postgres")
        return Warehouse("postgres", database.conn_id, database.execute)
    path = request.getfixturevalue(f"{request.param}_file")
    open_ = {"sqlite": sqlite3.connect, "duckdb": duckdb.connect}[request.param]

    def execute(statement: str) -> list[tuple[Any, ...]]:
        connection = open_(str(path))
        try:
            rows = connection.execute(statement).fetchall()
            connection.commit()
            return rows
        finally:
            connection.close()

    return Warehouse(request.param, "warehouse", execute)
