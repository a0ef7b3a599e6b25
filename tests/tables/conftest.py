"""Connections to real databases, each fresh for its test."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import connect, postgres, postgres_server

__all__ = ["connect", "postgres", "postgres_server"]


@pytest.fixture
def sqlite_file(tmp_path: Path, connect: Callable[..., str]) -> Path:
    """Give an empty SQLite database behind the connection `warehouse`."""
    path = tmp_path / "warehouse.db"
    connect(conn_type="sqlite", host=str(path))
    sqlite3.connect(path).close()
    return path
