"""Neither a row's text nor the API key is anywhere but in the run's folder, the API, and the target."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 6, 2, tzinfo=UTC)
CANARY = "CANARY-of-a-row-58314"
KEY = "sk-CANARY-of-a-key-90125"
TEXTS = ["{{ 7*7 }}", "{% raw", "{text}", "a\u2028b", f"{CANARY} {{{{ conn.warehouse.host }}}}"]
DAG = """
import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

with DAG(dag_id="secrets", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
    OpenAIBatchTaskGroup(
        group_id="classify",
        source={"conn_id": "warehouse", "table": "texts", "key": "id"},
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
        database.execute("create table texts (id integer primary key, text text)")
        database.executemany("insert into texts (text) values (?)", [(text,) for text in TEXTS])
    return path


@pytest.fixture
def states(run_dag: Any, tmp_path: Path, openai_batch_emulator: Any, connection: Any) -> Any:
    """Return how to run the DAG once with a key that can be found again."""
    openai_batch_emulator.restart(api_keys=(KEY,), seconds_to_complete=1)
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


def test_nothing_leaks(
    states: Any,
    warehouse: Path,
    airflow_home: Path,
    airflow_db: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
):
    """No log, XCom, rendered field, or any other row of the metadata database holds a text or the key."""
    found = states()

    assert set(found.values()) == {"success"}
    printed = capfd.readouterr()
    everywhere = {"stdout": printed.out, "stderr": printed.err, "log": caplog.text, **database(airflow_db)}
    everywhere |= {str(path): path.read_text(errors="replace") for path in airflow_home.rglob("*.log")}
    assert [name for name, text in everywhere.items() if CANARY in text or KEY in text] == []


def database(path: Path) -> dict[str, str]:
    """Return every table of the metadata database as text."""
    with sqlite3.connect(path) as connected:
        names = [name for (name,) in connected.execute("select name from sqlite_master where type = 'table'")]
        return {name: repr(connected.execute(f'select * from "{name}"').fetchall()) for name in names}


def test_failing_load_tells_no_text(
    states: Any,
    warehouse: Path,
    capfd: pytest.CaptureFixture[str],
    openai_batch_emulator: Any,
    airflow_db: Path,
):
    """Errors name codes and keys; the API's messages, which quote input, stay in the table."""
    openai_batch_emulator.fault("fail_all", status=400, message=f"You said {CANARY}", code="invalid_prompt")

    found = states()

    printed = capfd.readouterr()
    assert "failed" in found.values()
    assert "invalid_prompt" in printed.out + printed.err
    assert CANARY not in printed.out + printed.err + "".join(database(airflow_db).values())


def test_failing_write_tells_no_text(
    states: Any, warehouse: Path, capfd: pytest.CaptureFixture[str], airflow_db: Path
):
    """A database that refuses a row is quoted without the row."""
    with sqlite3.connect(warehouse) as connected:
        connected.execute("create trigger refuse before insert on texts begin select raise(abort, 'no'); end")
        connected.execute(
            "create table answers (id integer primary key, answer text check (answer not like '%CANARY%'),"
            " batch_status text, batch_custom_id text, batch_snapshot_at text)"
        )

    found = states()

    printed = capfd.readouterr()
    assert "failed" in found.values()
    assert CANARY not in printed.out + printed.err + "".join(database(airflow_db).values())
