"""Names in SQL."""

from __future__ import annotations

import pytest

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
    with pytest.raises(InvalidRequest, match="no table name"):
        names.table_parts(table, "postgres")


def test_quote() -> None:
    """A quote inside a name never ends it."""
    assert '"a""; DROP TABLE t; --"' == names.quote('a"; DROP TABLE t; --', "postgres")
    assert "`a``b`" == names.quote("a`b", "mysql")
    assert "[a]]b]" == names.quote("a]b", "tsql")


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_no_name(name: str) -> None:
    """What no database can hold is refused."""
    with pytest.raises(InvalidRequest, match="no name"):
        names.quote(name, "postgres")


def test_find() -> None:
    """An exact match wins; without case only when it is unambiguous."""
    assert "ID" == names.find("ID", ["id", "ID"])
    assert "ID" == names.find("id", ["ID", "x"])
    assert names.find("Id", ["id", "ID"]) is None
    assert names.find("y", ["x"]) is None
