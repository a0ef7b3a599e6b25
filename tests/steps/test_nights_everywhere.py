"""The second night on each database: what it is asked tells the same of every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from tests.tables.conftest import (
    bigquery,
    bigquery_server,
    connect,
    duckdb_file,
    mariadb,
    mariadb_server,
    postgres,
    postgres_server,
    snowflake,
    snowflake_server,
    sqlite_file,
    warehouse,
)

if TYPE_CHECKING:
    from tests.tables.conftest import Warehouse

__all__ = [
    "bigquery", "bigquery_server", "connect", "duckdb_file", "mariadb", "mariadb_server", "postgres",
    "postgres_server", "snowflake", "snowflake_server", "sqlite_file", "warehouse",
]  # fmt: skip
SOURCE = {"sql": "select id, body from questions -- all 100 %", "key": "id"}


EXTRA = {
    "type": "object", "properties": {"label": {"type": "string"}, "why": {"type": "string"}},
    "required": ["label", "why"], "additionalProperties": False,
}  # fmt: skip


def night(pipeline: Any, warehouse: Any, name: str, **changes: Any) -> Any:
    """Stage, send, wait, and load in one database."""
    pipeline.name = name
    pipeline.emulator.advance(86_400)
    target = arguments.target({"conn_id": warehouse.conn_id, "table": "labels"} | changes)
    source = SOURCE | {"conn_id": warehouse.conn_id}
    staged = pipeline.stage(source=source, target=target)
    pipeline.advance(staged.attempt)
    pipeline.wait()
    return staged, pipeline.load()


def test_only_what_is_new_changed_or_failed_is_sent(pipeline: Any, warehouse: Warehouse):
    """Texts of any kind, NULL among them, are told to be the same; each other case is found."""
    texts = ["'ticket'", "'ünï ✓'", "''", "null", "'a ''quote'' \\ %s ? {body}'", "'long ' || 'text'"]
    if warehouse.name == "mariadb":
        texts = [text.replace("\\", "\\\\").replace("'long ' || 'text'", "'long'") for text in texts]
    rows = ", ".join(f"({n}, {texts[n % len(texts)]})" for n in range(60))
    charset = " character set utf8mb4" if warehouse.name == "mariadb" else ""
    warehouse.execute(f"create table questions (id integer, body text{charset})")
    warehouse.execute(f"insert into questions values {rows}")
    staged, _ = night(pipeline, warehouse, "one")
    assert (staged.rows, staged.skipped) == (60, 0)

    staged, loaded = night(pipeline, warehouse, "two")
    assert (staged.rows, staged.skipped, staged.requests, loaded.rows) == (60, 60, 0, 0)

    warehouse.execute("insert into questions values (100, 'new')")
    warehouse.execute("update questions set body = 'edited' where id = 3")
    warehouse.execute("update labels set batch_status = 'failed' where id = 4")
    warehouse.execute("update labels set batch_status = 'reviewed' where id = 5")
    staged, loaded = night(pipeline, warehouse, "three")
    assert (staged.rows, staged.skipped, loaded.counts) == (61, 58, {"ok": 3})

    pipeline.prompt = "Other: {body}"
    staged, _ = night(pipeline, warehouse, "four")
    assert (staged.skipped, staged.changed_prompt) == (61, 60)


def test_texts_are_keys_too(pipeline: Any, warehouse: Warehouse):
    """Keys that differ by case only are two rows each night."""
    warehouse.execute("create table questions (id varchar(20), body varchar(50))")
    warehouse.execute("insert into questions values ('a', 'one'), ('A', 'two'), ('ä ', 'three')")

    assert night(pipeline, warehouse, "one")[1].written == 3
    assert night(pipeline, warehouse, "two")[0].skipped == 3


def fill(warehouse: Any, kind: str = "integer") -> None:
    """Make a source of three rows."""
    warehouse.execute(f"create table questions (id {kind}, body varchar(50))")
    warehouse.execute("insert into questions values (1, 'one'), (2, 'two'), (3, 'three')")


def test_a_column_is_added_while_the_source_is_read(pipeline: Any, warehouse: Warehouse):
    """A check that would alter the table does not wait for the lock of our own read of it."""
    fill(warehouse)
    night(pipeline, warehouse, "one")
    if warehouse.name == "postgres":
        warehouse.execute(
            "do $$ begin execute format('alter database %I set lock_timeout = 10000', current_database()); "
            "end $$"
        )
    pipeline.output_type, pipeline.prompt = EXTRA, "Classify and say why: {body}"

    staged, _ = night(pipeline, warehouse, "two", add_columns=True)

    assert (staged.skipped, staged.changed_prompt) == (3, 3)


def test_a_status_with_a_blank_is_a_persons(pipeline: Any, warehouse: Warehouse):
    """What a load would not overwrite is not asked."""
    fill(warehouse)
    night(pipeline, warehouse, "one")
    warehouse.execute("update labels set batch_status = 'failed ' where id = 2")
    warehouse.execute("update labels set batch_status = 'Failed' where id = 3")

    staged, _ = night(pipeline, warehouse, "two")

    assert (staged.skipped, staged.requests) == (3, 0)


def test_what_a_load_would_keep_is_not_paid_for(
    pipeline: Any, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
):
    """A row whose snapshot lies ahead, for a clock was moved, is skipped each night; else it is sent."""
    fill(warehouse)
    night(pipeline, warehouse, "one")
    ahead = "2999-01-01T00:00:00.000000Z" if warehouse.name == "sqlite" else "2999-01-01 00:00:00"
    warehouse.execute(f"update labels set batch_snapshot_at = '{ahead}' where id < 3")
    warehouse.execute("update labels set batch_status = 'failed' where id <> 2")

    staged, loaded = night(pipeline, warehouse, "two")

    assert (staged.skipped, staged.requests, loaded.written, loaded.kept) == (2, 1, 1, 0)
    assert "1 rows are skipped because their batch_snapshot_at is later" in caplog.text
    warehouse.execute("update labels set batch_snapshot_at = null where id = 1")
    assert night(pipeline, warehouse, "three")[1].written == 1


def test_a_cleared_run_keeps_its_appended_rows(pipeline: Any, warehouse: Warehouse):
    """Rows of the run are landed again though a later run has newer ones, and a person's stay."""
    fill(warehouse)
    night(pipeline, warehouse, "one", mode="append")
    warehouse.execute("update labels set batch_status = 'failed' where id = 1")
    night(pipeline, warehouse, "two", mode="append")
    warehouse.execute("update labels set batch_status = 'reviewed' where id = 2")
    assert pipeline.sent == 4

    pipeline.name = "one"
    loaded = pipeline.load()
    assert (loaded.rows, loaded.written, loaded.kept) == (3, 2, 1)
    staged, loaded = night(pipeline, warehouse, "one", mode="append")

    assert (staged.skipped, loaded.written, pipeline.sent) == (1, 2, 4)
    assert sorted(warehouse.execute("select id, batch_run_id, batch_status from labels")) == [
        (1, "dag/task/one", "ok"),
        (1, "dag/task/two", "ok"),
        (2, "dag/task/one", "reviewed"),
        (3, "dag/task/one", "ok"),
    ]


@pytest.mark.parametrize("kind", ["text", "char(6)"])
def test_keys_in_a_column_of_fixed_width_are_found(pipeline: Any, postgres: Any, kind: str):
    """The blanks that fill a key up, in either table, do not make it another one each night."""
    fill(postgres, kind)
    postgres.execute("update questions set id = '2 ' where id = '2'")
    night(pipeline, postgres, "one")
    postgres.execute("alter table labels alter column id type char(6)")

    assert night(pipeline, postgres, "two")[0].skipped == 3


def test_a_status_of_fixed_width_is_read(pipeline: Any, postgres: Any):
    """Blanks that fill a status up are none of it; another case is a person's."""
    fill(postgres)
    night(pipeline, postgres, "one")
    postgres.execute("alter table labels alter column batch_status type char(20)")
    postgres.execute("update labels set batch_status = 'failed' where id = 2")
    postgres.execute("update labels set batch_status = 'FAILED' where id = 3")

    staged, loaded = night(pipeline, postgres, "two")

    assert (staged.skipped, loaded.written, loaded.kept) == (2, 1, 0)
    pipeline.name = "one"
    assert pipeline.load().kept == 2  # the newer one, and the person's
