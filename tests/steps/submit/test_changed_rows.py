"""Where a database hashes the rows by itself, those are sent that would be if all were read."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.request.template import prompt_version
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.submit.changed_rows import ReadWhole, read_changed
from airflow_provider_openai_batch.steps.submit.recipe import Recipe, read_recipe
from airflow_provider_openai_batch.steps.submit.source_join import Ends
from airflow_provider_openai_batch.tables.resolve import resolve_source, resolve_target
from tests.servers import connect, postgres, postgres_server
from tests.steps.submit.offline import NOW, staged
from tests.steps.submit.test_source_join import LENGTHENED, REQUEST, RUN, TODAY, fill, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["connect", "postgres", "postgres_server"]
SOURCE = "SELECT * FROM questions ORDER BY id"
#: Rows of which five in six are answered as they are, and the sixth in any way that there is.
SETTLE = """
DELETE FROM labels WHERE id % 6 <> 0;
INSERT INTO labels SELECT id, body, price, 'an answer', 'ok', md5(id::text),
  left(encode(sha256(convert_to('["body","kind"]', 'UTF8')), 'hex'), 8)
  || left(encode(sha256({body} || {kind}), 'hex'), 24), '{version}', '{run}', '2025-01-05'
FROM questions WHERE id % 6 <> 0
"""
#: psycopg's own settings keep ADBC away.
PSYCOPG = {"cursor": "namedtuplecursor"}


def settle(database: Any, seed: int) -> None:
    """Make a source, and a target that holds answers to most of its rows."""
    fill(database, seed)
    parts = {name: LENGTHENED.format(name) for name in ("body", "kind")}
    version = prompt_version(*arguments.split(arguments.request(REQUEST)), None)
    for statement in SETTLE.format(**parts, version=version, run=RUN).split(";"):
        database.execute(statement)


def file_of(database: Any, path: Path, query: str = SOURCE) -> str:
    """Write the source to a file, of which all rows are read whole."""
    columns = zip(*database.execute(query), strict=True)
    kinds = [pa.int64(), pa.string(), pa.string(), pa.decimal128(9, 2)]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, kinds, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, ["id", "body", "kind", "price"]), path)
    return str(path)


def ends_of(stack: Any, target: dict[str, Any], sql: str = SOURCE, key: Sequence[str] = ("id",)) -> Ends:
    """Open both ends, as submit does."""
    source = arguments.source({"conn_id": "postgres", "sql": sql, "key": list(key)})
    asked = arguments.target(target)
    return Ends(
        source=source,
        rows=resolve_source(source),
        target=asked,
        table=stack.enter_context(resolve_target(asked).opened()),
        run_id=TODAY,
        resend=("failed", "changed_input"),
        at=NOW,
    )


def recipe_of(ends: Ends) -> Recipe:
    """Compile the request for the source."""
    return read_recipe(ends.source, arguments.request(REQUEST), None, ends.rows.columns())


def changed(ends: Ends) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows as they come; texts of settled ones are not there."""
    recipe = recipe_of(ends)
    with read_changed(ends, recipe, recipe.layout.columns) as pairs:
        for rows, _ in pairs:
            yield rows.to_pylist()


@pytest.fixture
def apart(postgres: Any, connect: Callable[..., str]) -> dict[str, Any]:
    """Name the same database by another connection: it is not known to be one."""
    return {"conn_id": connect("apart", **postgres.fields()), "table": "labels"}


@pytest.mark.parametrize("driver", [{}, PSYCOPG])
@pytest.mark.parametrize("carry", [[], ["body", "price"]])
@pytest.mark.parametrize("resend", [None, ("changed_prompt",), ("invalid", "changed_input")])
def test_the_same_rows_are_asked_as_if_all_were_read(
    postgres: Any,
    connect: Callable[..., str],
    apart: dict[str, Any],
    tmp_path: Path,
    driver: dict[str, str],
    carry: list[str],
    resend: tuple[str, ...] | None,
):
    """Answers, hashes, versions, runs, and times of any kind: the run folders are equal."""
    settle(postgres, seed=len(carry) + 10 * len(resend or ()))
    connect("postgres", **postgres.fields(extra=driver))
    path = file_of(postgres, tmp_path / "questions.parquet")
    ways = {"hashed": {"conn_id": "postgres", "sql": SOURCE}, "whole": {"path": path}}

    hashed, whole = (
        staged(
            tmp_path / way,
            source=source | {"key": "id", "carry": carry},
            request=REQUEST,
            target=apart,
            resend=resend,
            run_id=TODAY,
        )
        for way, source in ways.items()
    )

    assert told(hashed) == told(whole)
    done = next(content for name, content in hashed.items() if name.endswith("done.json"))
    assert 320 < done["skipped"] < done["read"] == 400


@pytest.mark.parametrize("driver", [{}, PSYCOPG])
def test_texts_of_settled_rows_are_not_read(
    postgres: Any, connect: Callable[..., str], apart: dict[str, Any], stack: Any, driver: dict[str, str]
):
    """What is not as it was comes last, whole and in the source's order."""
    settle(postgres, seed=1)
    connect("postgres", **postgres.fields(extra=driver))
    postgres.execute("UPDATE questions SET body = 'new' WHERE id IN (7, 301)")

    settled, others = changed(ends_of(stack, apart))

    assert [row["id"] for row in others if row["body"] == "new"] == [7, 301]
    assert {row["id"] for row in others} >= {row["id"] for row in others if row["id"] % 6} == {7, 301}
    assert all(row["body"] is row["kind"] is None for row in settled)
    assert len(settled) + len(others) == 400


def test_rows_are_sent_as_they_were_hashed(postgres: Any, apart: dict[str, Any], stack: Any):
    """What others change between the two reads is for the next run."""
    settle(postgres, seed=2)
    postgres.execute("UPDATE questions SET body = 'new' WHERE id = 7")
    found = changed(ends_of(stack, apart))
    next(found)

    postgres.execute("UPDATE questions SET body = 'newer'")
    postgres.execute("DELETE FROM questions WHERE id = 7")
    (others,) = found

    assert [row["body"] for row in others if row["id"] == 7] == ["new"]
    assert "newer" not in {row["body"] for row in others}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, body || random() AS body, kind FROM questions",
        "SELECT id, body, kind FROM questions WHERE random() < 0.8",
        "SELECT nextval('numbers') AS id, body, kind FROM questions",
        "SELECT nullif(id, 0) AS id, body, kind FROM questions",
    ],
)
def test_a_source_that_shows_other_rows_each_time_is_read_whole(
    postgres: Any, apart: dict[str, Any], stack: Any, sql: str
):
    """Chance, a sequence, or keys that are NULL: nothing but settled rows was returned before."""
    settle(postgres, seed=3)
    postgres.execute("CREATE SEQUENCE numbers")
    postgres.execute("UPDATE questions SET body = 'new' WHERE id % 6 = 0")
    seen: list[dict[str, Any]] = []

    with pytest.raises(ReadWhole):
        seen.extend(row for rows in changed(ends_of(stack, apart, sql)) for row in rows)

    assert all(row["body"] is None for row in seen)


@pytest.mark.parametrize(
    "columns",
    ["id, body || random() AS body, kind, price", "nextval('numbers') - 1 AS id, body, kind, price"],
)
def test_what_is_read_whole_after_all_is_staged_as_ever(
    postgres: Any, apart: dict[str, Any], tmp_path: Path, columns: str
):
    """No row is lost, and none is counted twice."""
    settle(postgres, seed=4)
    postgres.execute("CREATE SEQUENCE numbers")
    source = {"conn_id": "postgres", "sql": f"SELECT {columns} FROM questions", "key": "id"}

    folder = staged(tmp_path, source=source, request=REQUEST, target=apart, run_id=TODAY)

    done = next(content for name, content in folder.items() if name.endswith("done.json"))
    rows = [row for name, content in folder.items() if name.endswith(".parquet") for row in content["rows"]]
    assert (done["read"], done["skipped"] + len(rows)) == (400, 400)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, max(body) AS body, max(kind) AS kind FROM questions GROUP BY id",
        "SELECT id, body, kind FROM questions ORDER BY id LIMIT 300",
        "SELECT DISTINCT id, body, kind FROM questions",
        "SELECT id, body, kind || rank() OVER (ORDER BY id) AS kind FROM questions",
        "WITH q AS MATERIALIZED (SELECT * FROM questions) SELECT id, body, kind FROM q",
    ],
)
def test_what_a_database_works_out_is_read_once(postgres: Any, apart: dict[str, Any], stack: Any, sql: str):
    """A long query is not run twice."""
    settle(postgres, seed=9)

    with pytest.raises(ReadWhole):
        next(changed(ends_of(stack, apart, sql)))


def test_joined_tables_are_read_twice(postgres: Any, apart: dict[str, Any], stack: Any):
    """A join, a sort, and a condition are cheap for a few keys."""
    settle(postgres, seed=9)
    sql = (
        "SELECT q.id, q.body, k.kind FROM questions q JOIN questions k USING (id) WHERE q.id >= 0 ORDER BY 1"
    )

    *_, others = changed(ends_of(stack, apart, sql))

    assert {row["id"] % 6 for row in others} == {0}


def test_many_changes_are_read_whole(postgres: Any, apart: dict[str, Any], stack: Any):
    """Two reads of the same rows would cost more than one."""
    settle(postgres, seed=5)
    postgres.execute("UPDATE questions SET body = 'new' WHERE id % 3 = 0")

    with pytest.raises(ReadWhole):
        list(changed(ends_of(stack, apart)))


@pytest.mark.parametrize("kind", ["text", "uuid", "smallint"])
@pytest.mark.parametrize("key", [["ref"], ["ref", "kind"]])
def test_keys_of_other_types_find_their_rows(
    postgres: Any, apart: dict[str, Any], stack: Any, kind: str, key: list[str]
):
    """Texts with quotes and blanks, UUIDs, small integers, and keys of two columns."""
    made = {"text": "'it''s \\ ' || id || ' %s ✓'", "uuid": "md5(id::text)::uuid", "smallint": "id::smallint"}
    settle(postgres, seed=6)
    postgres.execute("UPDATE questions SET kind = coalesce(kind, '')")
    for table in ("questions", "labels"):
        postgres.execute(f"ALTER TABLE {table} ADD COLUMN ref {kind}")
        postgres.execute(f"UPDATE {table} SET ref = {made[kind]}")
    postgres.execute("ALTER TABLE labels ADD COLUMN kind text, DROP CONSTRAINT labels_pkey")
    postgres.execute("UPDATE labels SET kind = q.kind FROM questions q WHERE q.id = labels.id")
    postgres.execute("DELETE FROM labels WHERE kind IS NULL")
    postgres.execute("ALTER TABLE labels ALTER id DROP NOT NULL")
    postgres.execute(f"ALTER TABLE labels ADD PRIMARY KEY ({', '.join(key)})")
    postgres.execute("UPDATE questions SET body = 'new' WHERE id IN (7, 301)")
    sql = f"SELECT {', '.join(dict.fromkeys([*key, 'body', 'kind']))} FROM questions ORDER BY id"

    *_, others = changed(ends_of(stack, apart, sql, key))

    assert [row["body"] for row in others].count("new") == 2
    assert len(others) < 100


def test_errors_are_those_of_reading_all(postgres: Any, apart: dict[str, Any], tmp_path: Path):
    """A key that occurs twice is named, whatever way the rows were read."""
    settle(postgres, seed=7)
    sql = "SELECT * FROM questions UNION ALL SELECT * FROM questions WHERE id = 7"
    source = {"conn_id": "postgres", "sql": sql, "key": "id"}

    with pytest.raises(InvalidRequest, match="Keys occur more than once, for example '7';"):
        staged(tmp_path, source=source, request=REQUEST, target=apart, run_id=TODAY)


def test_parameters_are_bound_in_both_reads(postgres: Any, apart: dict[str, Any], tmp_path: Path):
    """A percent sign in the query is the driver's, not the hash's."""
    settle(postgres, seed=8)
    sql = "SELECT * FROM questions WHERE id % 6 >= %(least)s AND body NOT LIKE '%%q' ORDER BY id"
    source = {"conn_id": "postgres", "sql": sql.replace("% 6", "%% 6"), "key": "id"}

    folder = staged(
        tmp_path, source=source | {"parameters": {"least": 0}}, request=REQUEST, target=apart, run_id=TODAY
    )

    done = next(content for name, content in folder.items() if name.endswith("done.json"))
    assert 0 < done["skipped"] < done["read"]


@pytest.fixture
def stack() -> Iterator[Any]:
    """Close what a test has opened."""
    with ExitStack() as opened:
        yield opened
