"""SQLite, read and written through Airflow's hook."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.base import Written
from airflow_provider_openai_batch.tables.resolve import resolve_source, resolve_target
from tests.tables.factories import MONDAY, TUESDAY, make_landing, make_rows, nothing


def query(path: Path, statement: str) -> list[Any]:
    with sqlite3.connect(path) as connection:
        return connection.execute(statement).fetchall()


def read(*columns: str, **source: Any) -> pa.Table:
    with resolve_source(arguments.source({"conn_id": "warehouse", "key": "id"} | source)).read(columns) as batches:
        return pa.Table.from_batches(list(batches))


def write(landing: Any, *rows: dict[str, Any], table: Any = "labels", at: Any = MONDAY) -> Written:
    target = resolve_target(arguments.Target(conn_id="warehouse", table=table))
    target.check(landing)
    return target.write(landing, iter(make_rows(landing, *rows, at=at)), nothing)


def test_read_types(sqlite_file: Path) -> None:
    """Declared storage classes decide the type; what may hold anything is typed by its first value."""
    query(sqlite_file, "CREATE TABLE t (id INTEGER, body TEXT, score REAL, raw BLOB, price DECIMAL(9, 2), empty)")
    query(sqlite_file, "INSERT INTO t VALUES (1, 'a', 1, x'00ff', NULL, NULL), (2, NULL, 2.5, NULL, 7, NULL)")

    table = read("id", "body", "score", "raw", "price", "empty", table="t")

    assert [pa.int64(), pa.string(), pa.float64(), pa.binary(), pa.int64(), pa.string()] == table.schema.types
    assert [(1, "a", 1.0, b"\x00\xff", None, None), (2, None, 2.5, None, 7, None)] == [
        tuple(row.values()) for row in table.to_pylist()
    ]


def test_misfit_names_the_column_only(sqlite_file: Path) -> None:
    """A text in a column of integers is an error that does not show the text."""
    query(sqlite_file, "CREATE TABLE t (id INTEGER, n)")
    query(sqlite_file, "INSERT INTO t VALUES (1, 1), (2, 'secret')")

    with pytest.raises(InvalidRequest, match="'n' mixes int and text") as caught:
        read("n", table="t")

    assert "secret" not in str(caught.value)


def test_text_that_is_not_utf8(sqlite_file: Path) -> None:
    """Bytes that are no UTF-8 become U+FFFD instead of an error that quotes them."""
    query(sqlite_file, "CREATE TABLE t (id INTEGER, body TEXT)")
    query(sqlite_file, "INSERT INTO t VALUES (1, CAST(x'61ff62' AS TEXT))")

    assert ["a\ufffdb"] == read("body", table="t")["body"].to_pylist()


def test_sql_with_parameters_and_semicolon(sqlite_file: Path) -> None:
    """The user's SQL runs as it is: parameters, comments, and a closing semicolon."""
    query(sqlite_file, "CREATE TABLE t AS SELECT 1 AS id UNION SELECT 2")

    table = read("id", sql="WITH a AS (SELECT id FROM t) SELECT * FROM a WHERE id > ?; -- the end;", parameters=[1])

    assert [2] == table["id"].to_pylist()


@pytest.mark.parametrize("name", ['a"b', "a.b", "a b", "select", "größe", "a;DROP TABLE t;--", "a`b", "a]b", "50%"])
def test_awkward_names(sqlite_file: Path, name: str) -> None:
    """Any name works as a table and as a column, on both ends."""
    landing = make_landing(key=(name,), key_type=pa.string())
    write(landing, {name: "1", "label": "x"}, table=[name])

    assert [{name: "1"}] == read(name, table=[name], key=name).to_pylist()
    assert Written(written=1, kept=0) == write(landing, {name: "1", "label": "y"}, table=[name])


def test_merge_keeps_what_is_newer_or_a_persons(sqlite_file: Path) -> None:
    """A late run overwrites neither a newer answer nor a row whose status a person wrote."""
    landing = make_landing()
    write(landing, {"id": 1, "label": "a"}, {"id": 2, "label": "b"}, {"id": 3, "label": "c"}, at=TUESDAY)
    query(sqlite_file, "UPDATE labels SET batch_status = 'reviewed' WHERE id = 2")
    query(sqlite_file, "UPDATE labels SET batch_snapshot_at = NULL, batch_status = NULL WHERE id = 3")

    late = [{"id": id_, "label": "late"} for id_ in (1, 2, 3, 4)]

    assert Written(written=2, kept=2) == write(landing, *late, at=MONDAY)
    assert Written(written=3, kept=1) == write(landing, *late, at=TUESDAY)
    assert [(1, "late"), (2, "b"), (3, "late"), (4, "late")] == query(
        sqlite_file, "SELECT id, label FROM labels ORDER BY id"
    )
