"""Neither a row's text nor the API key is anywhere but in the run's folder, the API, and the target.

Keys of rows are where messages need them, and nowhere with `show_keys = False`.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 6, 2, tzinfo=UTC)
CANARY = "CANARY-of-a-row-58314"
KEY = "sk-CANARY-of-a-key-90125"
SHOWN = "NAME-CANARY-77231"
HIDDEN = "HIDDEN-NAME-CANARY-11094"
TEXTS = ["{{ 7*7 }}", "{% raw", "{text}", "a\u2028b", f"{CANARY} {{{{ conn.warehouse.host }}}}"]
DAG = """
import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

with DAG(dag_id="secrets", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
    OpenAIBatchTaskGroup(
        group_id="classify",
        source={"conn_id": "warehouse", "table": "texts", "key": "name"},
        request={"model": "gpt-5-mini", "messages": [{"role": "user", "content": "{text}"}]},
        target={"conn_id": "warehouse", "table": "answers"},
        wait={"poke_interval": 0.2},
    )
"""


@pytest.fixture
def warehouse(tmp_path: Path, connection: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of texts that look like templates."""
    path = tmp_path / "warehouse.db"
    connection("warehouse", conn_type="sqlite", host=str(path))
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", f"file://{tmp_path}/runs")
    with sqlite3.connect(path) as database:
        database.execute("create table texts (name text, text text)")
        rows = [(f"{SHOWN}-{n}", text) for n, text in enumerate(TEXTS)]
        database.executemany("insert into texts values (?, ?)", rows)
    return path


@pytest.fixture
def states(run_dag: Any, tmp_path: Path, openai_batch_emulator: Any, connection: Any) -> Any:
    """Return how to run the DAG once with a key that can be found again."""
    openai_batch_emulator.restart(api_keys=(KEY,), seconds_to_complete=0)
    # However slow the machine: looks of submit, and the first of wait, show that it runs.
    openai_batch_emulator.fault("status_word", status="completed", word="in_progress", times=7)
    connection("openai_default", **{**openai_batch_emulator.connection, "password": KEY})

    def run() -> dict[str, str]:
        path = tmp_path / "secrets.py"
        path.write_text(DAG)
        return {task.task_id: str(task.state) for task in run_dag(path, NOW).get_task_instances()}

    return run


def test_texts_arrive_as_they_are(states: Any, warehouse: Path, tmp_path: Path):
    """What looks like a template in a row is text: each line holds exactly the row's."""
    states()

    lines = [
        json.loads(line)
        for path in tmp_path.rglob("requests.jsonl")
        for line in path.read_bytes().split(b"\n")[:-1]
    ]
    assert [line["body"]["messages"][0]["content"] for line in lines] == TEXTS


@pytest.fixture
def places(airflow_home: Path, airflow_db: Path, capfd: Any, caplog: Any) -> Any:
    """Return how to find a text in all that Airflow and the task write; the database keeps each trigger."""
    with sqlite3.connect(airflow_db) as connected:
        connected.execute("create table if not exists canary_triggers as select * from trigger where 0")
        connected.execute(
            "create trigger if not exists canary after insert on trigger begin"
            " insert into canary_triggers select * from trigger where id = new.id; end"
        )
    printed: list[str] = []

    def find(*texts: str) -> list[str]:
        printed.extend(capfd.readouterr())
        everywhere = {"printed": "".join(printed), "log": caplog.text, **database(airflow_db)}
        everywhere |= {str(path): path.read_text(errors="replace") for path in airflow_home.rglob("*.log")}
        return [f"{text} in {name}" for name, held in everywhere.items() for text in texts if text in held]

    yield find
    with sqlite3.connect(airflow_db) as connected:
        connected.execute("drop trigger canary")
        connected.execute("drop table canary_triggers")


def database(path: Path) -> dict[str, str]:
    """Return every table of the metadata database as text."""
    with sqlite3.connect(path) as connected:
        names = [name for (name,) in connected.execute("select name from sqlite_master where type = 'table'")]
        return {name: repr(connected.execute(f'select * from "{name}"').fetchall()) for name in names}


def test_nothing_leaks(states: Any, warehouse: Path, places: Any):
    """No log, XCom, rendered field, trigger, or any row of the database holds a text, the key, a name."""
    assert set(states().values()) == {"success"}
    assert places(CANARY, KEY, SHOWN) == []
    found = set(places("gpt-5-mini", "OpenAIBatchRunTrigger", "run_uri"))
    assert {"gpt-5-mini in rendered_task_instance_fields", "run_uri in xcom"} <= found
    # Airflow 2 tests a DAG without writing its triggers down.
    assert version("apache-airflow").startswith("2.") or "OpenAIBatchRunTrigger in canary_triggers" in found


def twice(warehouse: Path, emulator: Any) -> None:
    """Let a key occur twice."""
    with sqlite3.connect(warehouse) as connected:
        connected.execute("insert into texts select * from texts where name like '%-1'")


def null(warehouse: Path, emulator: Any) -> None:
    """Let a key be NULL."""
    with sqlite3.connect(warehouse) as connected:
        connected.execute("update texts set name = null where name like '%-1'")


def refused_key(warehouse: Path, emulator: Any) -> None:
    """Let the API quote the key that it refuses."""
    emulator.fault("unauthorized", message=f"Incorrect API key provided: {KEY}.")


def refused_later(warehouse: Path, emulator: Any) -> None:
    """Let the API refuse the key while the batch runs."""
    emulator.fault("unauthorized", route="retrieve", message=f"Incorrect API key provided: {KEY}.")


def failed_call(warehouse: Path, emulator: Any) -> None:
    """Let the first call fail with an answer that quotes everything."""
    emulator.fault("server_error", route="list", times=None, message=f"{KEY} {CANARY}")


def refused_upload(warehouse: Path, emulator: Any) -> None:
    """Let the API quote a line of a file that it does not take."""
    emulator.fault("unprocessable", route="upload", times=None, message=f"Invalid line: {CANARY}")


def bad_answers(warehouse: Path, emulator: Any) -> None:
    """Let all requests fail with the row in message and code."""
    emulator.fault("fail_all", status=400, message=f"You said {CANARY}", code=f"bad {CANARY}")


def garbage(warehouse: Path, emulator: Any) -> None:
    """Let the answers be cut in the middle."""
    emulator.fault("malformed_lines", share=1)
    emulator.fault("misfit", share=1)


def refused_row(warehouse: Path, emulator: Any) -> None:
    """Let the database refuse a row."""
    with sqlite3.connect(warehouse) as connected:
        connected.execute(
            "create table answers (name text primary key, answer text check (answer not like '%CANARY%'),"
            " batch_status text, batch_custom_id text, batch_snapshot_at text)"
        )


def forging(route: str, **options: Any) -> Any:
    """Let a route answer with a megabyte of controls, line breaks, and what was sent."""

    def trouble(warehouse: Path, emulator: Any) -> None:
        emulator.fault("forgery", route=route, times=None, **options)

    trouble.__name__ = f"forged_{route}_{options.get('status', 500)}"
    return trouble


FORGERIES = {
    forging("upload", status=422): "status 422",
    forging("list"): "500",
    forging("create", status=400): "status 400",
}
TROUBLES = {
    twice: "Keys occur more than once",
    null: "is NULL in 1 of the rows",
    refused_key: "refuses the connection's key",
    refused_later: "refuses the connection's key",
    failed_call: "status 500",
    refused_upload: "status 422",
    bad_answers: "(no code) (5)",
    garbage: "rows failed",
    refused_row: "SQLite: CHECK constraint failed",
}


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_no_failure_leaks(
    trouble: Any,
    states: Any,
    warehouse: Path,
    places: Any,
    openai_batch_emulator: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    """What goes wrong is said without texts, the API key, and names of rows where these are not shown."""
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__SHOW_KEYS", "False")
    with sqlite3.connect(warehouse) as connected:
        connected.execute("update texts set name = replace(name, ?, ?)", (SHOWN, HIDDEN))
    trouble(warehouse, openai_batch_emulator)

    assert "failed" in states().values()
    assert places(TROUBLES[trouble]) != []
    assert places(CANARY, KEY, HIDDEN) == []


@pytest.mark.parametrize("trouble", FORGERIES, ids=lambda trouble: trouble.__name__)
def test_no_answer_forges_or_fills_a_log(
    trouble: Any, states: Any, warehouse: Path, places: Any, openai_batch_emulator: Any
):
    """Whatever a server answers with, a task's log is bounded, its own, and free of what was sent."""
    trouble(warehouse, openai_batch_emulator)

    assert "failed" in states().values()
    assert places(FORGERIES[trouble]) != []
    assert places(CANARY, KEY, "\x1b[2J", "\n[2026-01-01] INFO - forged", "x" * 3_000) == []


@pytest.mark.parametrize("trouble", [twice, bad_answers], ids=lambda trouble: trouble.__name__)
def test_keys_are_named_where_they_help(
    trouble: Any, states: Any, warehouse: Path, places: Any, openai_batch_emulator: Any
):
    """Unless `show_keys` says no, messages name rows by their keys, and still by nothing else."""
    trouble(warehouse, openai_batch_emulator)

    assert "failed" in states().values()
    assert places(f"{SHOWN}-1") != []
    assert places(CANARY, KEY) == []
