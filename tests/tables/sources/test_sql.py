"""The user's SQL as a source."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.dialect.dialect import STANDARD
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT as POSTGRES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("SELECT 1", "SELECT 1"),
        (" SELECT 1 ; ", "SELECT 1"),
        ("SELECT ';' -- a;\n;;", "SELECT ';' -- a;"),
        ("SELECT 1; -- end;", "SELECT 1 -- end;"),
        ("SELECT 'unclosed;", "SELECT 'unclosed"),
    ],
)
def test_one_statement(given: str, kept: str) -> None:
    """A closing semicolon is dropped, not one in a text or a comment; what cannot be parsed is kept."""
    assert kept == sql.one_statement(given, POSTGRES)


@pytest.mark.parametrize(
    ("given", "message"), [("SELECT 1; DROP TABLE t", "more than one"), (" ; ", "no statement")]
)
def test_not_one_statement(given: str, message: str) -> None:
    """A source is one SELECT."""
    with pytest.raises(InvalidRequest, match=message):
        sql.one_statement(given, POSTGRES)


def test_select() -> None:
    """The user's text stands on its own lines, so that a comment at its end hides nothing."""
    query = sql.of_sql("SELECT * FROM t -- all", None, POSTGRES)

    assert 'SELECT "id" FROM (\nSELECT * FROM t -- all\n) "source" LIMIT 0' == query.select(
        ['"id"'], " LIMIT 0"
    )


def test_percent() -> None:
    """Where a driver reads `%`, our names are doubled only if it gets parameters."""
    with_parameters = sql.of_sql("SELECT %s", [1], POSTGRES, percent=True)
    without = sql.of_sql("SELECT 1", None, POSTGRES, percent=True)

    assert 'SELECT "50%%" FROM (\nSELECT %s\n) "source"' == with_parameters.select(['"50%"'])
    assert 'SELECT "50%" FROM (\nSELECT 1\n) "source"' == without.select(['"50%"'])


def test_table() -> None:
    """A table is quoted; its condition stands on its own lines."""
    query = sql.of_table("Mart.Tickets", "day > now() -- new", POSTGRES)

    assert 'SELECT * FROM "mart"."tickets" WHERE (\nday > now() -- new\n)' == query.text


def test_any_driver(tmp_path: Path) -> None:
    """A database without a module of its own is read by its cursor; types come from the first values."""
    path = tmp_path / "any.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (id, late, never)")
        connection.executemany("INSERT INTO t VALUES (?, NULL, NULL)", [(n,) for n in range(5000)])
        connection.execute("INSERT INTO t VALUES (5000, 1.5, NULL)")
    source = sql.CursorSource(
        driver=sql.Driver(lambda: sqlite3.connect(path)), query=sql.of_table(["t"], None, STANDARD)
    )

    with source.read(["never", "late", "id"]) as batches:
        table = pa.Table.from_batches(list(batches))

    assert ("id", "late", "never") == source.columns()
    assert [pa.string(), pa.float64(), pa.int64()] == table.schema.types
    assert [None, 1.5, 5000] == list(table.slice(5000).to_pylist()[0].values())


def test_type_that_changes_further_down(tmp_path: Path) -> None:
    """A text after thousands of numbers is an error that names the column only."""
    path = tmp_path / "any.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (id)")
        connection.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(5000)] + [("secret",)])
    source = sql.CursorSource(
        driver=sql.Driver(lambda: sqlite3.connect(path)), query=sql.of_table("t", None, STANDARD)
    )

    with source.read(["id"]) as batches, pytest.raises(InvalidRequest, match="text further down") as caught:
        list(batches)

    assert "secret" not in str(caught.value)
