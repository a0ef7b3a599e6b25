"""The databases of the table in docs/warehouses.md, each empty for its test."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.tables.resolve import resolve_target
from airflow_provider_openai_batch.tables.warehouses.duckdb.driver import connect as connect_duckdb
from tests.mariadb import mariadb, mariadb_server
from tests.servers import postgres, postgres_server
from tests.snowflake import snowflake, snowflake_server
from tests.steps.conftest import pipeline
from tests.tables.factories import nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_openai_batch.tables.base import Target
    from airflow_provider_openai_batch.tables.landing import Landing, Written

__all__ = [
    "mariadb", "mariadb_server", "pipeline", "postgres", "postgres_server", "snowflake", "snowflake_server",
]  # fmt: skip

Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A database behind an Airflow connection, or a folder, and a reader's own way into it."""

    name: str
    version: str
    target: dict[str, Any]
    #: Where a table of the database, or a folder of Parquet files, is read from.
    source: Callable[[str], dict[str, Any]]
    #: Create a table of (id, body) with these rows.
    fill: Callable[[str, list[tuple[int, str]]], None]
    #: Run a statement as a person does; None where there is no SQL.
    execute: Callable[[str], list[Row]] | None
    #: Name the tables or files that are there.
    there: Callable[[], set[str]]
    folder: Path | None = field(default=None)

    def resolved(self, **changes: Any) -> Target:
        return resolve_target(arguments.Target(**(self.target | changes)))

    def write(self, landing: Landing, batches: Iterator[pa.RecordBatch]) -> Written:
        target = self.resolved(mode=landing.mode)
        target.check(landing)
        return target.write(landing, batches, nothing)

    def rows(self, columns: str = "id, label, batch_status") -> list[Row]:
        """Read the result on a connection of its own."""
        if self.execute is not None:
            return sorted(self.execute(f"SELECT {columns} FROM labels"))
        table = ds.dataset(self.folder / "labels", partitioning="hive").to_table(columns.split(", "))
        return sorted(tuple(row.values()) for row in table.to_pylist())


TABLES = {
    "postgres": "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
    "mariadb": "SELECT table_name FROM information_schema.tables WHERE table_schema = database()",
    "duckdb": "SELECT table_name FROM duckdb_tables()",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "snowflake": "SELECT table_name FROM information_schema.tables",
}  # fmt: skip
VERSIONS = {"postgres": "SHOW server_version", "mariadb": "SELECT version()", "duckdb": "SELECT version()",
            "sqlite": "SELECT sqlite_version()"}  # fmt: skip
STAND_IN = re.compile(r"^fakesnow\[server\]==([\d.]+)$", re.MULTILINE)


def database(name: str, conn_id: str, execute: Callable[[str], list[Row]]) -> Place:
    """Make a place of a database with SQL."""

    def fill(table: str, rows: list[tuple[int, str]]) -> None:
        execute(f"CREATE TABLE {table} (id bigint, body {'longtext' if name == 'mariadb' else 'text'})")
        for start in range(0, len(rows), 1000):
            values = ", ".join(f"({number}, '{body}')" for number, body in rows[start : start + 1000])
            execute(f"INSERT INTO {table} VALUES {values}")

    if name in VERSIONS:
        version = str(execute(VERSIONS[name])[0][0]).lstrip("v")
    else:
        version = STAND_IN.findall(Path(__file__).with_name("fakesnow.txt").read_text())[0]
    return Place(
        name=name, version=version,
        target={"conn_id": conn_id, "table": "labels"},
        source=lambda table: {"conn_id": conn_id, "table": table, "key": "id"},
        fill=fill, execute=execute, there=lambda: {str(row[0]) for row in execute(TABLES[name])},
    )  # fmt: skip


def parquet(folder: Path) -> Place:
    """Make a place of a folder."""

    def fill(table: str, rows: list[tuple[int, str]]) -> None:
        ids, bodies = zip(*rows, strict=True)
        (folder / table).mkdir(exist_ok=True)
        made = pa.table({"id": pa.array(ids, pa.int64()), "body": bodies})
        pq.write_table(made, folder / table / "rows.parquet")

    return Place(
        name="parquet", version=pa.__version__, target={"path": f"file://{folder}/labels", "mode": "append"},
        source=lambda table: {"path": f"file://{folder}/{table}", "key": "id"}, fill=fill, execute=None,
        there=lambda: {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()},
        folder=folder,
    )  # fmt: skip


def opened(name: str, path: Path) -> Callable[[str], list[Row]]:
    """Open a database file anew for each statement; connections of one process to DuckDB must be alike."""

    def duck() -> Any:
        return connect_duckdb(BaseHook.get_connection("ends").get_hook(), time.sleep)

    connect = {"sqlite": lambda: sqlite3.connect(path, timeout=60), "duckdb": duck}

    def execute(statement: str) -> list[Row]:
        connection = connect[name]()
        try:
            rows = connection.execute(statement).fetchall()
            connection.commit()
            return rows
        finally:
            connection.close()

    return execute


@pytest.fixture(params=["postgres", "mariadb", "duckdb", "sqlite", "parquet", "snowflake"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Give each of the databases in turn; what it was is kept for the page."""
    name = request.param
    if name in {"postgres", "mariadb", "snowflake"}:
        server = request.getfixturevalue(name)
        made = database(name, server.conn_id, server.execute)
    elif name == "parquet":
        made = parquet(tmp_path)
    else:
        path = tmp_path / f"ends.{name}"
        monkeypatch.setenv("AIRFLOW_CONN_ENDS", json.dumps({"conn_type": name, "host": str(path)}))
        made = database(name, "ends", opened(name, path))
    request.node.user_properties.append(("version", made.version))
    return made
