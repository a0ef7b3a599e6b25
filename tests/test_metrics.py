"""Metrics of a run arrive at a StatsD server, by DAG and model."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("statsd", reason="Airflow sends metrics by the package statsd")

DAG = """
from datetime import datetime, timezone
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_openai_batch import OpenAIBatchTaskGroup

with DAG("told.in_metrics", start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
    OpenAIBatchTaskGroup(
        "g",
        source={"conn_id": "warehouse", "table": "tickets", "key": "id"},
        request={"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "{text}"}]},
        target={"conn_id": "warehouse", "table": "answers"},
        limits={"max_failed_ratio": 1},
    )

if __name__ == "__main__":
    assert str(dag.test().state) == "success"
"""
TOLD = """
from airflow_provider_openai_batch.metrics import tell_loaded
from airflow_provider_openai_batch.steps.load.load_summary import LoadSummary

loaded = LoadSummary(
    rows=40, written=40, kept=0, counts={"ok": 37, "error": 3}, judged=40, failed=3, cost_usd=0.25,
    tokens=(900, 80), seconds=61.5,
)
tell_loaded(loaded, "label.tickets", "ft:gpt-4.1:me")
tell_loaded(LoadSummary(rows=0, written=0, kept=0, counts={}), "empty", "m")
"""

WAITING = """
from types import SimpleNamespace
from airflow_provider_openai_batch.batch.decisions.progress import Progress
from airflow_provider_openai_batch.triggers.openai_batch import OpenAIBatchRunTrigger

trigger = OpenAIBatchRunTrigger(
    run_uri="file:///r", openai_conn_id="c", poke_interval=1, max_interval=1, first_look=0, deadline=None
)
trigger.task_instance = SimpleNamespace(dag_id="label", task_id="wait")
for answered in (10, 24, 24):
    trigger._progress = Progress(
        at=160.0, since=100.0, batches=2, done=1, requests=40, answered=answered, failed=2
    )
    trigger._log_news(30)
"""


@pytest.fixture
def arrived(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Listen as a StatsD server does; return how to run Python beside it and read what arrived, by name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        server.setblocking(False)
        env = {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_PORT": str(server.getsockname()[1]),
            "AIRFLOW__METRICS__METRICS_ALLOW_LIST": "openai_batch",
        }

        def run(*arguments: str, **more: str) -> dict[str, str]:
            command = [sys.executable, *arguments]
            done = subprocess.run(
                command, env=os.environ | env | more, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
            return dict(line.split(":", 1) for line in _received(server))

        yield run


def _received(server: socket.socket) -> list[str]:
    lines: list[str] = []
    while True:
        try:
            lines += server.recv(65_536).decode().removeprefix("airflow.").splitlines()
        except BlockingIOError:
            return [line.removeprefix("airflow.") for line in lines]


def test_what_landed_is_counted(arrived: Any, airflow_db: Path) -> None:
    """By a name for servers with tags, and by one that holds DAG and model; nothing of what is unknown."""
    told = arrived("-c", TOLD)

    plain = {
        name.removeprefix("openai_batch."): value for name, value in told.items() if name.count(".") == 1
    }
    assert plain == {
        "rows": "40|c",
        "rows_failed": "3|c",
        "input_tokens": "900|c",
        "output_tokens": "80|c",
        "cost_usd": "0.25|c",
        "failed_ratio": "0.0|g",
        "run_duration": "61500.000000|ms",
    }
    assert told["openai_batch.rows_failed.label__tickets.ft_gpt-4__1_me"] == "3|c"
    assert [name for name in told if "empty" in name] == ["openai_batch.failed_ratio.empty.m"]


def test_a_trigger_tells_what_it_waits_for(arrived: Any, airflow_db: Path) -> None:
    """The requests without an answer, and for how long: as often as its log has a line."""
    told = arrived("-c", WAITING)

    assert told["openai_batch.waiting_requests"] == told["openai_batch.waiting_requests.label"] == "14|g"
    assert told["openai_batch.waiting_seconds.label"] == "60.0|g"


@pytest.mark.long
def test_a_run_tells_its_metrics(
    arrived: Any,
    airflow_home: Path,
    airflow_db: Path,
    connection: Any,
    tmp_path: Path,
    openai_batch_emulator: Any,
) -> None:
    """Submit tells requests and the estimate, load rows, failures, tokens, and cost."""
    with sqlite3.connect(tmp_path / "warehouse.db") as connected:
        connected.execute("create table tickets (id integer primary key, text text)")
        connected.executemany("insert into tickets values (?, ?)", [(n, f"ticket {n}") for n in range(8)])
    connection("warehouse", conn_type="sqlite", host=str(tmp_path / "warehouse.db"))
    openai_batch_emulator.fault("fail_requests", share=0.25, status=400, permanent=True, times=None)
    file = airflow_home / "dags" / "told_in_metrics.py"
    file.write_text(DAG)

    told = arrived(str(file), AIRFLOW__OPENAI_BATCH__WORK_PATH=f"file://{tmp_path / 'runs'}")

    by_name = {
        name.removesuffix(".told__in_metrics.gpt-4__1-mini").removeprefix("openai_batch."): value
        for name, value in told.items()
        if name.endswith(".told__in_metrics.gpt-4__1-mini")
    }
    with sqlite3.connect(tmp_path / "warehouse.db") as connected:
        ((failed, tokens, cost),) = connected.execute(
            "select sum(batch_status <> 'ok'), sum(batch_input_tokens), sum(batch_cost_usd) from answers"
        ).fetchall()
    assert (by_name["requests"], by_name["rows"]) == ("8|c", "8|c")
    assert (by_name["rows_failed"], by_name["input_tokens"]) == (f"{failed}|c", f"{tokens}|c")
    assert float(by_name["cost_usd"].removesuffix("|c")) == pytest.approx(cost)
    assert {"estimated_cost_usd", "failed_ratio", "run_duration", "output_tokens"} <= set(by_name)
