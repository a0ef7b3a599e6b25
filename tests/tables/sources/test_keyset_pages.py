"""Sources whose drivers load a whole result: read page by page, in the order of the key."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from airflow.providers.common.sql.hooks.sql import DbApiHook

from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables import resolve
from airflow_provider_openai_batch.tables.dialect.dialect import STANDARD
from airflow_provider_openai_batch.tables.sources import keyset_pages, sql
from airflow_provider_openai_batch.tables.warehouses.read_only import READ

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

#: This module is a driver: PEP 249 has it say how it writes parameters.
paramstyle = sqlite3.paramstyle


class AnyHook(DbApiHook):
    """A hook of any DB-API driver, as other providers make them."""

    conn_name_attr = "any_conn_id"

    def __init__(self, connect: Callable[[], Any]) -> None:
        super().__init__()
        self.connect = connect

    def get_conn(self) -> Any:
        return self.connect()


class Watched:
    """A real connection that keeps what is asked on it and how many rows each question gives."""

    def __init__(self, connection: Any, asked: list[tuple[str, Any]], loaded: list[int]) -> None:
        self.connection, self.asked, self.loaded = connection, asked, loaded

    def cursor(self) -> WatchedCursor:
        return WatchedCursor(self)

    def close(self) -> None:
        self.connection.close()


class WatchedCursor:
    """A real cursor that loads whole results, as redshift_connector's does."""

    def __init__(self, watched: Watched) -> None:
        self.watched, self.cursor = watched, watched.connection.cursor()

    @property
    def description(self) -> Any:
        return self.cursor.description

    def execute(self, statement: str, parameters: Any = ()) -> None:
        self.watched.asked.append((statement, parameters))
        self.cursor.execute(statement, parameters)
        self.rows = self.cursor.fetchall()
        self.watched.loaded.append(len(self.rows))

    def fetchall(self) -> list[Any]:
        return self.rows

    def close(self) -> None:
        self.cursor.close()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "any.db"


def fill(database: Path, *statements: str) -> None:
    with sqlite3.connect(database) as connection:
        for statement in statements:
            connection.execute(statement)


def source(database: Path, query: sql.Query, *key: str) -> tuple[sql.CursorSource, list[Any], list[int]]:
    """Make a source in pages, what it asks, and how many rows each question loads."""
    asked: list[Any] = []
    loaded: list[int] = []
    hook = AnyHook(lambda: Watched(sqlite3.connect(database), asked, loaded))
    return resolve.cursor_source("redshift", hook, query, key or ("id",)), asked, loaded


def read(source: sql.CursorSource, *columns: str) -> list[tuple[Any, ...]]:
    with source.read(columns) as batches:
        return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def series(count: int) -> str:
    return (
        f"WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < {count}) "
        "SELECT id, 'row ' || id AS body FROM n"
    )


def test_every_row_once_and_no_result_whole(database: Path) -> None:
    """No question loads more than a page, and no row is lost or read twice where pages meet."""
    fill(database, f"CREATE TABLE t AS {series(70_000)}")
    made, _asked, loaded = source(database, sql.of_table("t", None, STANDARD))

    assert [(n, f"row {n}") for n in range(1, 70_001)] == read(made, "id", "body")
    assert max(loaded) <= keyset_pages.PAGE_ROWS + 1
    assert sum(loaded) <= 70_000 + len(loaded)


def test_wide_rows_make_short_pages(database: Path) -> None:
    """Once their width is known, pages are bounded by bytes."""
    fill(database, f"CREATE TABLE t AS SELECT id, printf('%.*c', 40000, 'x') AS body FROM ({series(5500)})")
    made, _asked, loaded = source(database, sql.of_table("t", None, STANDARD))

    assert 5500 == len(read(made, "id", "body"))
    assert max(loaded[-1:]) <= keyset_pages.PAGE_BYTES // 40_000 + 1


@pytest.mark.parametrize("rows", [0, 1, 4095, 4096, 4097, 8192])
def test_at_the_edge_of_a_page(database: Path, rows: int) -> None:
    """A page that is just full ends the reading as well as any other."""
    fill(database, f"CREATE TABLE t AS SELECT * FROM ({series(max(rows, 1))}) WHERE id <= {rows}")
    made, *_ = source(database, sql.of_table("t", None, STANDARD))

    assert list(range(1, rows + 1)) == [row[0] for row in read(made, "id")]


def test_compound_key(database: Path) -> None:
    """A key of several columns is compared column by column; columns that are not asked for are not given."""
    fill(
        database,
        "CREATE TABLE t (a, b, c, body)",
        f"INSERT INTO t SELECT id % 3, 'b' || (id % 7), id, id FROM ({series(9000)})",
    )
    made, *_ = source(database, sql.of_table("t", None, STANDARD), "a", "b", "c")

    assert set(range(1, 9001)) == {body for (body,) in read(made, "body")}
    assert sorted((n % 3, f"b{n % 7}", n) for n in range(1, 9001)) == read(made, "a", "b", "c")


def test_equal_keys_are_not_lost(database: Path) -> None:
    """Keys that are equal come out equal, however pages cut them: staging refuses them."""
    fill(database, "CREATE TABLE t (id)", f"INSERT INTO t SELECT id FROM ({series(5000)})")
    fill(database, "INSERT INTO t VALUES (4096), (4097)")
    made, *_ = source(database, sql.of_table("t", None, STANDARD))
    ids = [row[0] for row in read(made, "id")]

    assert set(range(1, 5001)) == set(ids)
    assert min(ids.count(4096), ids.count(4097)) >= 2


def test_one_key_for_all_ends(database: Path) -> None:
    """A key that tells no rows apart is refused, not asked for again and again."""
    fill(database, "CREATE TABLE t AS SELECT 1 AS id", f"INSERT INTO t SELECT 1 FROM ({series(60_000)})")
    made, *_ = source(database, sql.of_table("t", None, STANDARD))

    with pytest.raises(InvalidRequest, match="have the same key"):
        read(made, "id")


def test_null_key(database: Path) -> None:
    """A NULL would be skipped by a comparison: it is looked for first, and refused."""
    fill(database, "CREATE TABLE t (id, part)", "INSERT INTO t VALUES (1, 1), (2, NULL)")
    made, *_ = source(database, sql.of_table("t", None, STANDARD), "id", "part")

    with pytest.raises(InvalidRequest, match="Key column 'part' is NULL"), made.read(["id"]):
        raise AssertionError


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("SELECT * FROM t WHERE id > ? -- %", [10]),
        ("SELECT * FROM t WHERE id > :least -- %", {"least": 10}),
        ("SELECT * FROM t WHERE id > 10 AND 'a%' <> '%s'", None),
    ],
)
def test_the_users_parameters(database: Path, text: str, parameters: Any) -> None:
    """Keys are passed beside the user's parameters, as the driver writes them, and never as text."""
    fill(database, f"CREATE TABLE t AS {series(6000)}")
    made, asked, _loaded = source(database, sql.of_sql(text, parameters, STANDARD))

    assert list(range(11, 6001)) == [row[0] for row in read(made, "id")]
    assert not [statement for statement, _ in asked if "4107" in statement]
    assert 4107 in list(asked[-1][1].values() if isinstance(asked[-1][1], dict) else asked[-1][1])


def test_late_values(database: Path) -> None:
    """A column without a value in the first rows is typed by its first value, by a question for one row."""
    fill(
        database, "CREATE TABLE t (id, late)", f"INSERT INTO t(id) SELECT id FROM ({series(5000)})",
        "UPDATE t SET late = 1.5 WHERE id = 5000",
    )  # fmt: skip
    made, asked, _loaded = source(database, sql.of_table("t", None, STANDARD))

    assert (5000, 1.5) == read(made, "id", "late")[-1]
    assert any(statement.endswith("LIMIT 1") and "late" in statement for statement, _ in asked)


QUERY = sql.Query(text="SELECT '%' AS x", dialect=READ["redshift"])


@pytest.mark.parametrize(
    ("style", "given", "mark", "text", "parameters"),
    [
        ("qmark", None, "?", "SELECT '%' AS x", [7]),
        ("numeric", [1], ":2", "SELECT '%' AS x", [1, 7]),
        ("named", [1], ":batch_key_0", "SELECT '%' AS x", [1, 7]),
        ("format", None, "%s", "SELECT '%%' AS x", [7]),
        ("format", [1], "%s", "SELECT '%' AS x", [1, 7]),
        ("pyformat", {"a": 1}, "%(batch_key_0)s", "SELECT '%' AS x", {"a": 1, "batch_key_0": 7}),
    ],
)
def test_marks(style: str, given: Any, mark: str, text: str, parameters: Any) -> None:
    """Each of the DB-API's ways to write a parameter is met, and `%` is doubled where it is read."""
    shape = keyset_pages.exp.select(keyset_pages._column("50%")).where(keyset_pages._from(["x"]))
    statement, passed = keyset_pages.Marks(style, given).fill(QUERY, shape, [7])
    percent = "%%" if style in {"format", "pyformat"} else "%"

    assert f'SELECT "50{percent}" FROM (\n{text}\n) AS "source" WHERE "x" >= {mark}' == statement
    assert parameters == passed


def postgres_source(postgres: Any, query: sql.Query, key: Sequence[str]) -> sql.CursorSource:
    driver = pytest.importorskip("psycopg")
    return resolve.cursor_source("redshift", AnyHook(lambda: driver.connect(postgres.uri)), query, key)


def test_on_postgres(postgres: Any) -> None:
    """A server's own types serve as keys: text, time, and number together; its `%` is the user's."""
    postgres.execute(
        "CREATE TABLE t AS SELECT 'é' || n % 5 AS name, timestamp '2026-01-05' + n * interval '1 us' AS at, "
        'n::numeric(12, 2) AS price, 100 - n AS "50%" FROM generate_series(1, 9000) n'
    )
    query = sql.of_sql("SELECT * FROM t WHERE name LIKE 'é%'", None, READ["redshift"], percent=True)

    with postgres_source(postgres, query, ("name", "at", "price")).read(
        ["50%", "name", "at", "price"]
    ) as batches:
        table = pa.Table.from_batches(list(batches))

    assert 9000 == len(set(table["50%"].to_pylist()))
    assert datetime.fromisoformat("2026-01-05T00:00:00.000005") == table["at"][0].as_py()


def test_pages_of_one_transaction(postgres: Any) -> None:
    """All pages are asked for on one connection: where a transaction is a snapshot, they are one."""
    postgres.execute("CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 9000) n")
    postgres.execute("ALTER DATABASE " + postgres.fields()["schema"] + " SET default_transaction_isolation = "
                     "'repeatable read'")  # fmt: skip
    made = postgres_source(postgres, sql.of_table("t", None, READ["redshift"]), ("id",))

    with made.read(["id"]) as batches:
        ids = next(batches)["id"].to_pylist()
        postgres.execute("DELETE FROM t WHERE id > 100")
        ids += [number for batch in batches for number in batch["id"].to_pylist()]

    assert list(range(1, 9001)) == ids


def test_an_error_tells_no_values(postgres: Any) -> None:
    """A query that fails on a page is told without the row that it fails on."""
    postgres.execute("CREATE TABLE t AS SELECT n AS id, 'secret'::text AS body FROM generate_series(1, 9) n")
    query = sql.of_sql("SELECT id, body::int AS body FROM t", None, READ["redshift"], percent=True)

    with (
        pytest.raises(OpenAIBatchError) as caught,
        postgres_source(postgres, query, ("id",)).read(["id", "body"]) as batches,
    ):
        list(batches)

    assert "secret" not in str(caught.value)


CHILD = """
import resource, sys, psycopg
from airflow_provider_openai_batch.tables import resolve
from airflow_provider_openai_batch.tables.warehouses.read_only import READ
from airflow_provider_openai_batch.tables.sources import sql
from tests.tables.sources.test_keyset_pages import AnyHook
uri, rows = sys.argv[1:]
query = sql.of_table("t", f"id <= {rows}", READ["redshift"])
made = resolve.cursor_source("redshift", AnyHook(lambda: psycopg.connect(uri)), query, ("id",))
with made.read(["id", "body"]) as batches:
    assert sum(batch.num_rows for batch in batches) == int(rows)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.long
def test_memory_does_not_grow_with_the_table(postgres: Any) -> None:
    """Four times the rows of 1 KB take no more memory, through a driver that keeps whole results."""
    postgres.execute(
        "CREATE TABLE t AS SELECT n AS id, repeat(md5(n::text), 32) AS body FROM generate_series(1, 400000) n"
    )

    def peak(rows: int) -> int:
        command = [sys.executable, "-W", "ignore", "-c", CHILD, postgres.uri, str(rows)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split()[-1])

    assert peak(400_000) <= peak(100_000) + 40
