"""The second night on each database: what it is asked tells the same of every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch import arguments
from tests.tables.conftest import (
    connect,
    duckdb_file,
    mariadb,
    mariadb_server,
    postgres,
    postgres_server,
    sqlite_file,
    warehouse,
)

if TYPE_CHECKING:
    from tests.tables.conftest import Warehouse

__all__ = [
    "connect", "duckdb_file", "mariadb", "mariadb_server", "postgres", "postgres_server", "sqlite_file",
    "warehouse",
]  # fmt: skip
SOURCE = {"sql": "select id, body from questions -- all 100 %", "key": "id"}


def night(pipeline: Any, warehouse: Warehouse, name: str) -> Any:
    """Stage, send, wait, and load in one database."""
    pipeline.name = name
    pipeline.emulator.advance(86_400)
    target = arguments.target({"conn_id": warehouse.conn_id, "table": "labels"})
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
