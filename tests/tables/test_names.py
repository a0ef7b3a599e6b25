"""Names in SQL."""

from __future__ import annotations

import pytest
import sqlglot

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables import names


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
    assert parts == names.table_parts(table, "postgres")


@pytest.mark.parametrize("table", ["", ".", "a.", ".a", "a..b", '"a', 'a"b', 'a."b"c'])
def test_no_table_name(table: str) -> None:
    """What cannot be taken apart is refused."""
    with pytest.raises(InvalidRequest, match="not a table name"):
        names.table_parts(table, "postgres")


def test_quote() -> None:
    """A quote inside a name never ends it."""
    assert '"a""; DROP TABLE t; --"' == names.quote('a"; DROP TABLE t; --', "postgres")
    assert "`a``b`" == names.quote("a`b", "mysql")
    assert "[a]]b]" == names.quote("a]b", "tsql")


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_no_name(name: str) -> None:
    """What no database can hold is refused."""
    with pytest.raises(InvalidRequest, match="not a name"):
        names.quote(name, "postgres")


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
        quoted = names.quote(name, dialect)
        tokens = sqlglot.tokenize(f"{quoted}, 1", read=dialect)

        assert [name, ",", "1"] == [token.text for token in tokens]


@pytest.mark.parametrize(
    ("dialect", "name", "kept"),
    [
        ("postgres", "x" * 64, "x" * 63),
        ("postgres", "ä" * 32, "ä" * 31),
        ("mysql", "ä" * 65, "ä" * 64),
        ("sqlite", "x" * 999, "x" * 999),
    ],
)
def test_cut(dialect: str, name: str, kept: str) -> None:
    """A name is cut where the database cuts it, and never inside of a character."""
    assert kept == names.cut(name, dialect)
