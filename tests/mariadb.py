"""A real MariaDB server for the tests; import the fixtures where they are needed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pymysql
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60.0
LOOK = 0.05
SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/sbin"


class MariaServer:
    """A server with a data directory of its own; `root` has no password."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self._folder = folder
        self._socket = folder / "socket"
        # Servers that share a folder for temporary files delete each other's when they start.
        (folder / "tmp").mkdir()
        options = [
            f"--datadir={folder}/data",
            f"--tmpdir={folder}/tmp",
            *(["--user=root"] if os.getuid() == 0 else []),
        ]
        install = [_program("mariadb-install-db"), "--no-defaults", *options]
        flags = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run([*install, *flags], check=True, capture_output=True)
        self._process = subprocess.Popen(
            [
                _program("mariadbd"), "--no-defaults", *options, f"--socket={self._socket}",
                f"--port={self.port}", "--bind-address=127.0.0.1", f"--pid-file={folder}/pid",
                # A killed client is what is tested, not a power failure.
                "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M",
                "--max-connections=200",
            ],
            stdout=subprocess.DEVNULL, stderr=(folder / "log").open("wb"),
        )  # fmt: skip
        self._await()

    def stop(self) -> None:
        """End the server and wait for it."""
        self._process.terminate()
        self._process.wait(PATIENCE)

    def database(self, name: str = "") -> MariaDatabase:
        """Give a database of the server."""
        return MariaDatabase(port=self.port, name=name)

    def _await(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                self.database().execute("SELECT 1")
            except pymysql.err.OperationalError:
                time.sleep(LOOK)
            else:
                return
        raise TimeoutError(f"MariaDB does not start; its log is {self._folder}/log.")


@dataclass(frozen=True)
class MariaDatabase:
    """A way around us into a database; `conn_id` is its Airflow connection in tests."""

    port: int
    name: str
    conn_id: str = "mariadb"

    def execute(self, *statements: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run statements in a transaction of their own and give the rows of the last."""
        connection = pymysql.connect(
            host="127.0.0.1", port=self.port, user="root", database=self.name or None, charset="utf8mb4",
            init_command="SET time_zone = '+00:00'",
        )  # fmt: skip
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement, parameters)
                rows = list(cursor.fetchall())
            connection.commit()
            return rows
        finally:
            connection.close()

    def fields(self, **changes: Any) -> dict[str, Any]:
        """Give the parts of an Airflow connection to it."""
        return {
            "conn_type": "mysql", "host": "127.0.0.1", "port": self.port, "login": "root",
            "schema": self.name, "extra": {"client": "mysql-connector-python"},
        } | changes  # fmt: skip

    def connection(self, **changes: Any) -> str:
        """Write an Airflow connection to it as an environment variable holds one."""
        return json.dumps(self.fields(**changes))


def is_installed() -> bool:
    """Tell whether the server and Airflow's hook are there."""
    programs = _found("mariadbd") and _found("mariadb-install-db")
    return bool(programs and find_spec("airflow.providers.mysql"))


def start_mariadb(folder: Path) -> MariaServer:
    """Start a server, or skip the test where that cannot be."""
    if not is_installed():
        pytest.skip(
            "MariaDB or Airflow's provider for it is not installed; see `make mariadb` and `make test`"
        )
    return MariaServer(folder)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaServer]:
    """Start one MariaDB server for the session."""
    folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
    server = start_mariadb(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mariadb(mariadb_server: MariaServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[MariaDatabase]:
    """Give an empty database as the Airflow connection `mariadb`; names in it may hold anything."""
    name = f"test_{uuid4().hex[:12]}"
    mariadb_server.database().execute(f"CREATE DATABASE {name} CHARACTER SET latin1")
    database = mariadb_server.database(name)
    monkeypatch.setenv("AIRFLOW_CONN_MARIADB", database.connection())
    yield database
    mariadb_server.database().execute(f"DROP DATABASE {name}")


def _found(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{SYSTEM_FOLDERS}")


def _program(name: str) -> str:
    found = _found(name)
    assert found is not None
    return found


def _free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])
