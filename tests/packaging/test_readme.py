"""The README is short, and its DAG runs."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest

from airflow_provider_openai_batch.emulator.faults.catalog import KINDS

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(page, language):
    return [text for kind, text in BLOCK.findall(page.read_text()) if kind == language]


def test_the_readme_is_short():
    """All that a newcomer needs stands before line 100."""
    assert len((ROOT / "README.md").read_text().splitlines()) < 100


BY_HAND = pytest.param(
    None, marks=pytest.mark.skipif(version("apache-airflow") < "3", reason="Airflow 2 has a logical date")
)


@pytest.mark.parametrize("date", [datetime(2026, 6, 2, tzinfo=UTC), BY_HAND], ids=["scheduled", "by hand"])
def test_the_readme_dag_runs(date, tmp_path, connection, run_dag, openai_batch_emulator, monkeypatch):
    """The first DAG that a user copies works as it stands, also in a run without a logical date."""
    path = tmp_path / "warehouse.db"
    connection("warehouse", conn_type="sqlite", host=str(path))
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", f"file://{tmp_path / 'runs'}")
    with sqlite3.connect(path) as warehouse:
        warehouse.execute("create table tickets (id integer, day text, subject text, body text)")
        yesterday = (date or datetime.now(UTC)) - timedelta(days=1)
        day = [(number, f"{yesterday:%F}", "Late", "Where is it?" * number) for number in range(25)]
        warehouse.executemany("insert into tickets values (?, ?, ?, ?)", day)
    (block,) = blocks(ROOT / "README.md", "python")
    file = tmp_path / "label_tickets.py"
    file.write_text(block)

    dag_run = run_dag(file, date)

    assert str(dag_run.state) == "success"
    with sqlite3.connect(path) as warehouse:
        labels = warehouse.execute("select label, batch_status from ticket_labels").fetchall()
    assert len(labels) == 25
    assert {status for _, status in labels} == {"ok"}
    assert {label for label, _ in labels} <= {"bug", "feature", "billing"}


def test_the_emulators_page_names_every_fault():
    """A fault that nobody can find is not there."""
    named = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/emulator.md").read_text(), re.MULTILINE)

    assert named == list(KINDS)
