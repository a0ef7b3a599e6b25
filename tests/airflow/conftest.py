"""One group in a DAG of its own, over SQLite and the emulator, run through Airflow."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

DAG = """
from datetime import datetime, timedelta, timezone
from airflow.providers.common.compat.sdk import DAG, task
from airflow_provider_openai_batch import OpenAIBatchTaskGroup

with DAG({dag_id!r}, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
    group = OpenAIBatchTaskGroup("g", **{arguments!r})
"""
REQUEST = {
    "model": "gpt-5-mini",
    "messages": [{"role": "user", "content": "{text}"}],
}
DAY = datetime(2026, 6, 2, tzinfo=UTC)
numbers = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a DAG run ended: by task id the state, the number of tries, and the result."""

    dag_id: str
    states: dict[str, str]
    tries: dict[str, int]
    results: dict[str, Any]


class Warehouse:
    """A SQLite file with a table of rows to ask about."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a statement and give its rows."""
        connected = sqlite3.connect(self.path)
        try:
            rows = connected.execute(sql, parameters).fetchall()
            connected.commit()
            return rows
        finally:
            connected.close()

    def fill(self, rows: int) -> None:
        """Make the source table."""
        self.query("create table tickets (id integer primary key, text text)")
        for number in range(rows):
            self.query("insert into tickets values (?, ?)", number, f"ticket {number}")


@pytest.fixture
def warehouse(tmp_path, connection, monkeypatch) -> Warehouse:
    """Set up an empty warehouse with its connection, and a work path."""
    path = tmp_path / "warehouse.sqlite"
    connection("warehouse", conn_type="sqlite", host=str(path))
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", f"file://{tmp_path / 'runs'}")
    return Warehouse(path)


@pytest.fixture
def run_group(run_dag, tmp_path):
    """Return how to run a group through Airflow; it gives the outcome by task."""

    def run(text: str = DAG, **changes: Any) -> Outcome:
        dag_id = f"d{next(numbers)}"
        defaults = {
            "source": {"conn_id": "warehouse", "table": "tickets", "key": "id"},
            "request": REQUEST,
            "target": {"conn_id": "warehouse", "table": "answers"},
        }
        source = tmp_path / f"{dag_id}.py"
        source.write_text(text.format(dag_id=dag_id, arguments=defaults | changes))
        tasks = run_dag(source, DAY).get_task_instances()
        names = {task: task.task_id.removeprefix("g.") for task in tasks}
        return Outcome(
            dag_id=dag_id,
            states={name: str(task.state) for task, name in names.items()},
            tries={name: task.try_number for task, name in names.items()},
            results={name: task.xcom_pull(task_ids=task.task_id) for task, name in names.items()},
        )

    return run


@pytest.fixture
def waiting(run_group, warehouse, openai_batch_emulator):
    """Give the arguments of a trigger for a run that is in flight."""
    warehouse.fill(3)
    openai_batch_emulator.take(80_000)
    ran = run_group(wait={"timeout": 0})
    return {
        "run_uri": ran.results["submit"]["run_uri"],
        "openai_conn_id": "openai_default",
        "poke_interval": 0.1,
        "max_interval": 0.1,
        "first_look": 0,
        "deadline": None,
    }
