"""Rows that the target holds under other keys are paid for each night: submit says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
from tests.steps.test_nights_everywhere import SOURCE, night
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
from tests.tables.existing.test_triggers_and_rules import lower_keys

if TYPE_CHECKING:
    from tests.tables.conftest import Warehouse

__all__ = [
    "bigquery", "bigquery_server", "connect", "duckdb_file", "mariadb", "mariadb_server", "postgres",
    "postgres_server", "snowflake", "snowflake_server", "sqlite_file", "warehouse",
]  # fmt: skip
KEYS = [*(f"Key {n}" for n in range(8)), "key 8", "key 9"]
CONCAT = dict.fromkeys(("sqlite", "duckdb", "postgres"), ("||", "||")) | {
    "mariadb": ("'x ' || id", "concat('x ', id)")
}
#: What all databases do alike.
IN_SQLITE = pytest.mark.parametrize("warehouse", ["sqlite"], indirect=True)
WARNED = "have answers in table"


def ask_about(warehouse: Warehouse, keys: list[str], text: str = "text of {}") -> None:
    """Fill the source, with a text of its own for each key."""
    warehouse.execute("drop table if exists questions")
    warehouse.execute("create table questions (id varchar(50), body varchar(50))")
    rows = ", ".join(f"('{key}', '{text.format(key.lower())}')" for key in keys)
    warehouse.execute(f"insert into questions values {rows}")


def tomorrow(pipeline: Any, warehouse: Warehouse) -> Any:
    """Stage the rows as the next night does."""
    pipeline.name = "tomorrow"
    pipeline.emulator.advance(86_400)
    target = arguments.target({"conn_id": warehouse.conn_id, "table": "labels"})
    return pipeline.stage(source=SOURCE | {"conn_id": warehouse.conn_id}, target=target)


def make_target(pipeline: Any, warehouse: Warehouse) -> None:
    """Let a first night make the table."""
    ask_about(warehouse, ["first"])
    night(pipeline, warehouse, "zero")


def test_the_submit_after_a_load_that_changed_keys_warns(
    pipeline: Any, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
):
    """The kind of fault: rows that no later night finds are paid for each night, and nobody is told."""
    make_target(pipeline, warehouse)
    lower_keys(warehouse)
    ask_about(warehouse, KEYS)

    _, loaded = night(pipeline, warehouse, "one")
    assert loaded.changed_keys == 8
    assert WARNED not in caplog.text
    staged = tomorrow(pipeline, warehouse)

    assert (staged.skipped, staged.requests) == (2, 8)
    assert f"8 of the first 8 new requests {WARNED}" in caplog.text
    assert "trigger lower" in caplog.text
    assert "'key 0'" in caplog.text


def test_keys_that_somebody_changes_later_are_found_too(
    pipeline: Any, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
):
    """Whatever changes them: here a statement after each load, in a database without triggers, too."""
    ask_about(warehouse, KEYS)
    night(pipeline, warehouse, "one")
    warehouse.execute("update labels set id = 'x ' || id where id < 'Key 4'".replace(*CONCAT[warehouse.name]))

    assert tomorrow(pipeline, warehouse).requests == 4

    assert f"4 of the first 4 new requests {WARNED}" in caplog.text
    assert "something changes the keys in the table, and each run" in caplog.text


@IN_SQLITE
def test_two_rows_of_one_text_are_no_changed_key(
    pipeline: Any, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
):
    """A new row may ask what another row of the source has asked; the target changes nothing then."""
    ask_about(warehouse, KEYS, "the same text")
    night(pipeline, warehouse, "one")
    ask_about(warehouse, [*KEYS, "Key 10", "Key 11"], "the same text")

    assert tomorrow(pipeline, warehouse).requests == 1

    assert WARNED not in caplog.text


@IN_SQLITE
def test_a_few_equal_texts_in_new_rows_are_chance(
    pipeline: Any, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
):
    """A source of the day's rows only has some texts again; where most are new nothing is said."""
    ask_about(warehouse, KEYS)
    night(pipeline, warehouse, "one")
    warehouse.execute("delete from questions")
    rows = [
        ("New 0", "text of key 1"),
        ("New 1", "text of key 2"),
        *((f"New {n}", f"{n}") for n in range(2, 9)),
    ]
    warehouse.execute(
        "insert into questions values " + ", ".join(f"('{key}', '{text}')" for key, text in rows)
    )

    assert tomorrow(pipeline, warehouse).requests == 9

    assert WARNED not in caplog.text


def test_a_clear_asks_nothing_and_says_nothing(
    pipeline: Any, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
):
    """What the run has answered itself is not asked again, whatever became of the keys."""
    make_target(pipeline, warehouse)
    lower_keys(warehouse)
    ask_about(warehouse, KEYS)
    night(pipeline, warehouse, "one")
    sent = pipeline.sent

    if warehouse.name == "sqlite":  # its trigger comes after the merge, and meets its own rows
        with pytest.raises(InvalidRequest, match="UNIQUE constraint failed"):
            night(pipeline, warehouse, "one")
    else:
        assert night(pipeline, warehouse, "one")[1].changed_keys == 8

    assert pipeline.sent == sent
    assert WARNED not in caplog.text


@IN_SQLITE
def test_key_values_are_hidden_where_they_are_to_be(
    pipeline: Any, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
):
    """Keys may be personal; the warning stands without them."""
    pipeline.show_keys = False
    ask_about(warehouse, KEYS)
    night(pipeline, warehouse, "one")
    ask_about(warehouse, [f"Other {key}" for key in KEYS])
    warehouse.execute("update questions set body = replace(body, 'other ', '')")

    tomorrow(pipeline, warehouse)

    assert f"10 of the first 10 new requests {WARNED}" in caplog.text
    assert "Key 1" not in caplog.text.partition(WARNED)[2]


@IN_SQLITE
def test_the_run_folder_remembers_the_count(pipeline: Any, warehouse: Warehouse):
    """The fact of a load says how many rows nobody finds again."""
    make_target(pipeline, warehouse)
    lower_keys(warehouse)
    ask_about(warehouse, KEYS)

    night(pipeline, warehouse, "one")

    [fact] = (pipeline.folder / "runs/dag/task/one/loads").glob("*.json")
    assert json.loads(fact.read_text())["changed_keys"] == 8
