"""Names in SQL."""

from __future__ import annotations

import pytest
import sqlglot

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables import names
from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
from airflow_provider_openai_batch.tables.warehouses.mysql.dialect import DIALECT as MYSQL
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT as POSTGRES
from airflow_provider_openai_batch.tables.warehouses.sqlite.dialect import DIALECT as SQLITE


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        ("labels", ("labels",)),
        ("Mart.Labels", ("mart", "labels")),
        ('db."My Schema"."a.b"', ("db", "My Schema", "a.b")),
        ('"say ""hi"""', ('say "hi"',)),
        ("[a]]b].`c``d`", ("a]b", "c`d")),
        ("my-table", ("my-table",)),
        ("größe", ("größe",)),
        (["a.b", "C"], ("a.b", "C")),
    ],
)
def test_table_parts(table: str, parts: tuple[str, ...]) -> None:
    """A name is split at dots outside quotes, plain parts take PostgreSQL's case, a list is verbatim."""
    assert parts == names.table_parts(table, POSTGRES)


@pytest.mark.parametrize("table", ["", ".", "a.", ".a", "a..b", '"a', 'a"b', 'a."b"c'])
def test_no_table_name(table: str) -> None:
    """What cannot be taken apart is refused."""
    with pytest.raises(InvalidRequest, match="not a table name"):
        names.table_parts(table, POSTGRES)


def test_quote() -> None:
    """A quote inside a name never ends it."""
    assert '"a""; DROP TABLE t; --"' == POSTGRES.quote('a"; DROP TABLE t; --')
    assert "`a``b`" == MYSQL.quote("a`b")
    assert "[a]]b]" == Dialect(name="tsql").quote("a]b")


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_no_name(name: str) -> None:
    """What no database can hold is refused."""
    with pytest.raises(InvalidRequest, match="not a name"):
        POSTGRES.quote(name)


def test_find() -> None:
    """An exact match wins; without case only when it is unambiguous."""
    assert "ID" == names.find("ID", ["id", "ID"])
    assert "ID" == names.find("id", ["ID", "x"])
    assert names.find("Id", ["id", "ID"]) is None
    assert names.find("y", ["x"]) is None


DIALECTS = [
    "postgres", "duckdb", "sqlite", "mysql", "snowflake", "bigquery", "databricks", "redshift", "tsql",
    "oracle", "trino",
]  # fmt: skip
NASTY = [
    "select",
    "a.b c",
    'x"; DROP TABLE t; --',
    "x`; DROP TABLE t; --",
    "x]; DROP TABLE t; --",
    "größe 表 😀",
]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_name_leaves_its_quotes(dialect: str) -> None:
    """Whatever a name holds, the dialect reads it back as one identifier of exactly that name."""
    for name in NASTY:
        quoted = Dialect(name=dialect).quote(name)
        tokens = sqlglot.tokenize(f"{quoted}, 1", read=dialect)

        assert [name, ",", "1"] == [token.text for token in tokens]


@pytest.mark.parametrize(
    ("dialect", "name", "kept"),
    [
        (POSTGRES, "x" * 64, "x" * 63),
        (POSTGRES, "ä" * 32, "ä" * 31),
        (MYSQL, "ä" * 65, "ä" * 64),
        (SQLITE, "x" * 999, "x" * 999),
    ],
)
def test_cut(dialect: Dialect, name: str, kept: str) -> None:
    """A name is cut where the database cuts it, and never inside of a character."""
    assert kept == dialect.cut(name)
