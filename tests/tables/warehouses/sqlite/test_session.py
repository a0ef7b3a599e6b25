"""SQLite, read and written through Airflow's hook."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.warehouses.sqlite.errors import explain
from tests.tables.ends import read, write
from tests.tables.factories import make_landing

if TYPE_CHECKING:
    from pathlib import Path


def query(path: Path, statement: str) -> list[Any]:
    with sqlite3.connect(path) as connection:
        return connection.execute(statement).fetchall()


def test_read_types(sqlite_file: Path) -> None:
    """Declared storage classes decide the type; what may hold anything is typed by its first value."""
    query(
        sqlite_file,
        "CREATE TABLE t (id INTEGER, body TEXT, score REAL, raw BLOB, price DECIMAL(9, 2), empty)",
    )
    query(sqlite_file, "INSERT INTO t VALUES (1, 'a', 1, x'00ff', NULL, NULL), (2, NULL, 2.5, NULL, 7, NULL)")

    table = read("warehouse", "id", "body", "score", "raw", "price", "empty", table="t")

    assert [pa.int64(), pa.string(), pa.float64(), pa.binary(), pa.int64(), pa.string()] == table.schema.types
    assert [(1, "a", 1.0, b"\x00\xff", None, None), (2, None, 2.5, None, 7, None)] == [
        tuple(row.values()) for row in table.to_pylist()
    ]


def test_misfit_names_the_column_only(sqlite_file: Path) -> None:
    """A text in a column of integers is an error that does not show the text."""
    query(sqlite_file, "CREATE TABLE t (id INTEGER, n)")
    query(sqlite_file, "INSERT INTO t VALUES (1, 1), (2, 'secret')")

    with pytest.raises(InvalidRequest, match="'n' mixes int and text") as caught:
        read("warehouse", "n", table="t")

    assert "secret" not in str(caught.value)


def test_text_that_is_not_utf8(sqlite_file: Path) -> None:
    """Bytes that are no UTF-8 become U+FFFD instead of an error that quotes them."""
    query(sqlite_file, "CREATE TABLE t (id INTEGER, body TEXT)")
    query(sqlite_file, "INSERT INTO t VALUES (1, CAST(x'61ff62' AS TEXT))")

    assert ["a\ufffdb"] == read("warehouse", "body", table="t")["body"].to_pylist()


def test_sql_with_parameters_and_semicolon(sqlite_file: Path) -> None:
    """The user's SQL runs as it is: parameters, comments, and a closing semicolon."""
    query(sqlite_file, "CREATE TABLE t AS SELECT 1 AS id UNION SELECT 2")

    table = read(
        "warehouse",
        "id",
        sql="WITH a AS (SELECT id FROM t) SELECT * FROM a WHERE id > ?; -- the end;",
        parameters=[1],
    )

    assert [2] == table["id"].to_pylist()


def test_locked_file_is_retried(sqlite_file: Path) -> None:
    """A file that another one holds is not a fault of the DAG."""
    holder = sqlite3.connect(sqlite_file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    waiting = sqlite3.connect(sqlite_file, timeout=0)

    with (
        closing(holder),
        closing(waiting),
        pytest.raises(OpenAIBatchError, match="locked") as caught,
        told("Doing", explain),
    ):
        waiting.execute("SELECT * FROM sqlite_master")

    assert type(caught.value) is OpenAIBatchError


def test_a_persons_status_in_a_column_without_case(sqlite_file: Path) -> None:
    """What a person wrote is told from our words by its case, whatever the column compares."""
    query(
        sqlite_file,
        "CREATE TABLE labels (id INTEGER PRIMARY KEY, label TEXT, batch_status TEXT COLLATE NOCASE, "
        "batch_custom_id TEXT, batch_snapshot_at TEXT)",
    )
    write("warehouse", make_landing(), {"id": 1}, {"id": 2})
    query(sqlite_file, "UPDATE labels SET batch_status = 'OK' WHERE id = 2")

    assert write("warehouse", make_landing(), {"id": 1}, {"id": 2}).kept == 1
