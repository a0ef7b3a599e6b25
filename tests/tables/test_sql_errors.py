"""An error of a database says what and where in the user's SQL, and never quotes a value of a row."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables.errors import Place, Written, drawn
from airflow_provider_openai_batch.tables.resolve import resolve_source
from airflow_provider_openai_batch.tables.warehouses.sqlite.errors import explain

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "sesame"


def error_of(conn_id: str, **source: Any) -> str:
    """Read a source to its end, which fails, and give the text of the error."""
    found = resolve_source(arguments.source({"conn_id": conn_id, "key": "id", **source}))
    with pytest.raises(OpenAIBatchError) as caught, found.read(found.columns()) as batches:
        list(batches)
    assert caught.value.__cause__ is None
    return str(caught.value)


def fill(execute: Any) -> None:
    """Make a table whose only text no error may show."""
    execute("CREATE TABLE t (id integer, b varchar(20))")
    execute(f"INSERT INTO t VALUES (1, '{SECRET}')")


@pytest.fixture
def duck(duckdb_file: Path) -> str:
    """A DuckDB file with the table."""
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect(str(duckdb_file)) as connection:
        fill(connection.execute)
    return "warehouse"


@pytest.fixture
def lite(sqlite_file: Path) -> str:
    """A SQLite file with the table."""
    with closing(sqlite3.connect(sqlite_file)) as connection:
        fill(connection.execute)
        connection.commit()
    return "warehouse"


@pytest.fixture(params=["adbc", "psycopg"])
def conn(postgres: Any, connect: Any, request: pytest.FixtureRequest) -> str:
    """A connection by either driver: one that asks for something of psycopg's own keeps ADBC away."""
    if request.param == "adbc":
        return str(postgres.conn_id)
    return str(connect("psycopg", **postgres.fields(extra={"cursor": "namedtuplecursor"})))


WRONG = {
    "syntax": ("SELECT id,\n  b FROM t\n WHERE WHERE b = 'x'", "WHERE", "line 3, column 8"),
    "column": ("SELECT id,\n  nope FROM t", "nope", "line 2, column 3"),
    "table": ("SELECT id\nFROM nowhere", "nowhere", "line 2, column 6"),
    "function": ("SELECT id, nope(b) AS b FROM t", "nope", "line 1, column 12"),
}
CASTS = {
    "integer": "SELECT id, CAST(b AS integer) AS b FROM t",
    "date": "SELECT id, CAST(b AS date) AS b FROM t",
}
#: Casts to a name of something: the error is about what is not there, and quotes it.
NAMES = {
    "table": "b::text::regclass::text",
    "type": "b::text::regtype::text",
    "function": "b::text::regproc::text",
    "setting": "current_setting(b)",
    "query": "(b || ' !')::tsquery::text",
    "schema": "b::text::regnamespace::text",
    "configuration": "b::text::regconfig::text",
}


@pytest.mark.parametrize("case", WRONG)
def test_postgres_says_where(postgres: Any, conn: str, case: str):
    """The message, and line and column in the SQL as it was written, whichever driver reads."""
    fill(postgres.execute)
    sql, word, where = WRONG[case]
    text = error_of(conn, sql=sql)

    assert word in text
    assert f"It is in {where} of source['sql']." in text


@pytest.mark.parametrize("case", WRONG)
def test_duckdb_says_where(duck: str, case: str):
    """DuckDB draws the place below its message; some messages have none."""
    sql, word, where = WRONG[case]
    text = error_of(duck, sql=sql)

    assert word in text
    assert case != "syntax" or f"It is in {where} of source['sql']." in text


@pytest.mark.parametrize("case", CASTS)
def test_values_of_casts_stay_out(postgres: Any, conn: str, duck: str, case: str):
    """A value that does not fit is not quoted; DuckDB's place is said all the same."""
    fill(postgres.execute)

    assert SECRET not in error_of(conn, sql=CASTS[case])
    text = error_of(duck, sql=CASTS[case])
    assert SECRET not in text
    assert "It is in line 1, column 12 of source['sql']." in text


@pytest.mark.parametrize("case", NAMES)
def test_values_that_are_read_as_names_stay_out(postgres: Any, conn: str, case: str):
    """PostgreSQL calls it an unknown table or a syntax error, and quotes the value."""
    fill(postgres.execute)
    text = error_of(conn, sql=f"SELECT id, {NAMES[case]} AS b FROM t")

    assert SECRET not in text
    assert "SQLSTATE" in text


def test_what_a_function_raises_stays_out(postgres: Any, conn: str):
    """A person's function may raise any code with any text."""
    fill(postgres.execute)
    postgres.execute(
        "CREATE FUNCTION f(v text) RETURNS text LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'got %', v USING ERRCODE = '42501'; END $$"
    )
    assert SECRET not in error_of(conn, sql="SELECT id, f(b) AS b FROM t")


def test_rights_are_named(postgres: Any, conn: str):
    """An error about what exists is shown though it has no place."""
    fill(postgres.execute)
    postgres.execute("CREATE FUNCTION g() RETURNS text LANGUAGE sql AS 'SELECT 1' ")
    text = error_of(conn, sql="SELECT id, pg_read_file('/x', 1, 2, b = 'x') AS b FROM nowhere")
    assert 'relation "nowhere" does not exist' in text


def test_the_line_of_a_condition(postgres: Any, conn: str):
    """A condition has lines of its own."""
    fill(postgres.execute)
    text = error_of(conn, table="t", where="id > 0\nAND nope = 1")
    assert "It is in line 2, column 5 of source['where']." in text


@pytest.mark.parametrize(
    "sql",
    ["SELECT id, json_extract('{}', b) AS b FROM t", "SELECT id, json(b) AS b FROM t"],
    ids=["path", "json"],
)
def test_what_functions_of_sqlite_quote_stays_out(lite: str, sql: str):
    """A function that cannot use a value quotes it."""
    assert SECRET not in error_of(lite, sql=sql)


@pytest.mark.parametrize("case", WRONG)
def test_sqlite_says_what(lite: str, case: str):
    """SQLite names the word; its driver tells no place."""
    sql, word, _ = WRONG[case]
    assert word in error_of(lite, sql=sql)


def test_what_a_trigger_raises_stays_out(lite: str, sqlite_file: Path):
    """The text of a trigger may be made of the row."""
    with closing(sqlite3.connect(sqlite_file)) as connection:
        connection.execute(
            "CREATE TRIGGER no BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'no such sesame'); END"
        )
        with pytest.raises(sqlite3.IntegrityError) as caught:
            connection.execute("INSERT INTO t VALUES (2, 'x')")
    failure = explain(caught.value)
    assert failure is not None
    assert SECRET not in failure.text


def test_places_that_are_not_the_users():
    """What is above or below the user's lines is ours: no line of it is named."""
    written = Written(called="source['sql']", above=2, lines=3)

    assert written.where(Place(5, 7)) == " It is in line 3, column 7 of source['sql']."
    assert written.where(Place(3)) == " It is in line 1 of source['sql']."
    assert [written.where(place) for place in (None, Place(2), Place(6))] == ["", "", ""]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("wrong\nLINE 2: SELECT nope\n               ^", Place(2, 8)),
        ("wrong\nLINE 12: ...ECT nope\n                ^\nHINT:  x", Place(12)),
        ("wrong", None),
        ("wrong\nLINE 2: SELECT nope", None),
    ],
)
def test_drawn_places(text: str, place: Place | None):
    """A line that was cut has no known column."""
    assert drawn(text) == place


def test_mistakes_are_not_retried(lite: str):
    """A wrong query fails at once."""
    source = resolve_source(arguments.source({"conn_id": lite, "key": "id", "sql": "SELECT nope FROM t"}))
    with pytest.raises(InvalidRequest):
        source.columns()
