"""The DAG of docs/monitoring.md checks and records its runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.monitoring.nights import in_duckdb
from tests.monitoring.page import DAG, QUERIES

if TYPE_CHECKING:
    from pathlib import Path

DAY = datetime(2026, 6, 2, tzinfo=UTC)
TASKS = ("submit", "wait", "load", "check_labels", "record_run")
DONE = dict.fromkeys(TASKS, "success")
FIGURES = ("rows", "failed_ratio", "cost_usd", "saved_usd")


@dataclass
class DagRuns:
    """Runs of the DAG over a warehouse, and the XCom of load of each."""

    run_dag: Any
    folder: Path
    loads: list[dict[str, Any]] = field(default_factory=list)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return in_duckdb(self.folder / "warehouse.duckdb", sql)

    def run(self, tickets: int, changed: tuple[str, str] = ("", "")) -> tuple[str, dict[str, str]]:
        """Add tickets and run the DAG, with a change of its text; return its state and those of its tasks."""
        assert changed[0] in DAG
        file = self.folder / "label_tickets_checked.py"
        file.write_text(DAG.replace(*changed) if changed[0] else DAG)
        begin = len(self.loads) * 100
        for n in range(begin, begin + tickets):
            self.query(f"insert into tickets values ({n}, 'web', 'ticket {n}')")
        ended = self.run_dag(file, DAY)
        tasks = {task.task_id.removeprefix("classify."): task for task in ended.get_task_instances()}
        self.loads.append(tasks["load"].xcom_pull(task_ids="classify.load") or {})
        return str(ended.state), {name: str(task.state) for name, task in tasks.items()}


@pytest.fixture
def runs(tmp_path: Path, connection: Any, run_dag: Any, monkeypatch: pytest.MonkeyPatch) -> DagRuns:
    """Make a warehouse with an empty table of tickets."""
    made = DagRuns(run_dag, tmp_path)
    connection("warehouse", conn_type="duckdb", host=str(tmp_path / "warehouse.duckdb"))
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", f"file://{tmp_path / 'runs'}")
    made.query("create table tickets (id integer, team varchar, body varchar)")
    return made


def test_each_run_is_recorded_and_no_failed_one_is_green(
    runs: DagRuns, openai_batch_emulator: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where submit or load fails; the team is called with the reason."""
    assert runs.run(0)[1] == dict.fromkeys(TASKS, "skipped")
    assert runs.run(30) == ("success", DONE)
    assert runs.run(0) == ("success", DONE)
    assert runs.run(30, ("< 0.9", "< 0")) == ("failed", DONE | {"check_labels": "failed"})
    assert runs.run(2, ("limits={", 'limits={"max_requests": 1, ')) == (
        "failed",
        dict.fromkeys(TASKS, "upstream_failed") | {"submit": "failed", "record_run": "success"},
    )
    openai_batch_emulator.fault("fail_requests", share=0.5, status=400, permanent=True, times=None)
    assert runs.run(30) == ("failed", DONE | {"load": "failed", "check_labels": "upstream_failed"})

    recorded = runs.query(
        "select row_count, failed_ratio, cost_usd, saved_usd from batch_runs order by recorded_at"
    )
    assert recorded == [tuple(load.get(name) for name in FIGURES) for load in runs.loads[1:]]
    assert [row[0] for row in recorded] == [30, 0, 30, None, 32]
    paid = math.fsum(load.get("cost_usd", 0.0) for load in runs.loads)
    ((dag_id, count, usd, saved, unknown),) = runs.query(QUERIES["paid by DAG"])
    assert (dag_id, count, unknown) == ("label_tickets", 5, 1)
    assert (usd, saved) == pytest.approx((paid, paid))
    assert [row[2] for row in runs.query(QUERIES["cost by DAG"])] == pytest.approx([paid])
    called = [record.getMessage() for record in caplog.records if record.funcName == "call_the_team"]
    assert [message.partition(": ")[0] for message in called] == [
        "check_labels", "classify.submit", "classify.load"
    ]  # fmt: skip
    assert "Report: file://" in called[-1]
