"""An Airflow with its databases and the emulator: its cases are run, disturbed, and counted."""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg

from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from tests.services.stack import Stack, free_port

ROOT = Path(__file__).parents[2]
ROWS = 4
BATCH_SECONDS = 3_600
TASKS = ("submit", "wait", "load")
ENDED = {"success", "failed"}
# What does not name the case, whose name is in the requests as their model.
COLUMNS = (
    "id", "answer", "batch_status", "batch_error_code", "batch_error_message", "batch_finish_reason",
    "batch_input_tokens", "batch_output_tokens", "batch_attempt",
)  # fmt: skip


class Deployment(Stack):
    """A stack over one PostgreSQL server: `airflow` is its own database, `warehouse` the user's."""

    def __init__(self, folder: Path, server: Any, python: str) -> None:
        self.socket = Path(server.get_postmaster_info().socket_dir)
        self.emulator = OpenAIBatchEmulator(folder / "api")
        self.emulator._port = free_port()
        super().__init__(folder, self._settings(folder), python)

    def _settings(self, folder: Path) -> dict[str, str]:
        warehouse = {
            "conn_type": "postgres", "host": str(self.socket), "login": "postgres", "schema": "warehouse"
        }  # fmt: skip
        return {
            "AIRFLOW__API_AUTH__JWT_SECRET": "only-for-these-tests-not-for-production-use-at-all",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "3",
            # A worker that says nothing for so long is taken for dead.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://postgres@/airflow?host={self.socket}",
            # Triggers of a dead triggerer are taken over after this time.
            "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
            # Long enough for Airflow to note that the task has deferred, however busy the machine is.
            "AIRFLOW__OPENAI_BATCH__FIRST_LOOK": "8",
            "AIRFLOW__OPENAI_BATCH__WORK_PATH": f"file://{folder / 'runs'}",
            "AIRFLOW_CONN_OPENAI_DEFAULT": json.dumps(self.emulator.connection),
            "AIRFLOW_CONN_WAREHOUSE": json.dumps(warehouse),
            "PYTHONPATH": str(ROOT),
        }

    def set_up(self) -> None:
        """Make the databases and the DAGs, and start the emulator."""
        shutil.copytree(ROOT / "tests/services/dags", self.folder / "dags", dirs_exist_ok=True)
        self.query("create database airflow", database="postgres")
        self.query("create database warehouse", database="postgres")
        self.query("create table notes (id bigint primary key, text text)")
        self.query("insert into notes select n, 'No ' || n from generate_series(1, %s) as rows (n)", ROWS)
        self.run(self.airflow("db", "migrate"))
        port = self.emulator.base_url.rpartition(":")[2].removesuffix("/v1")
        options = {
            "port": port,
            "data": self.folder / "api",
            "seconds-to-complete": BATCH_SECONDS,
            "model": "*",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        self.start("emulator", [self.python, "-m", "airflow_provider_openai_batch.emulator", *words])
        self.wait("no emulator", lambda: self.emulator.now)

    def query(self, sql: str, *parameters: Any, database: str = "warehouse") -> list[Any]:
        """Run a statement and give its rows."""
        place = {"host": str(self.socket), "user": "postgres", "dbname": database}
        with psycopg.connect(**place, autocommit=True) as connected:
            asked = connected.execute(sql, parameters)
            return asked.fetchall() if asked.description else []

    def trigger(self, *cases: str) -> None:
        """Start a run of each case through Airflow's API."""
        for case in cases:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self.wait(
                f"no DAG {case}",
                lambda case=case: self.call("GET", f"/api/v2/dags/{case}"),
            )
            self.call("POST", f"/api/v2/dags/{case}/dagRuns", {"logical_date": now, "dag_run_id": case})

    def trigger_by_command(self, *cases: str) -> None:
        """Start a run of each case from the command line, which is alike in all versions."""
        asked = "select count(*) from dag where dag_id = any(%s)"
        self.wait(
            f"no DAGs {cases}",
            lambda: self.query(asked, list(cases), database="airflow")[0][0] == len(cases),
        )
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda case: self.run(self.airflow("dags", "trigger", "-r", case, case)), cases))

    def mark_failed(self, case: str, task: str) -> None:
        """Mark a task as failed, as a person does in the UI."""
        path = f"/api/v2/dags/{case}/dagRuns/{case}/taskInstances/{task}"
        self.call("PATCH", path, {"new_state": "failed"})

    def clear(self, case: str, *tasks: str) -> None:
        """Clear tasks, as a person does in the UI."""
        asked = {"dry_run": False, "only_failed": False, "dag_run_id": case, "task_ids": tasks}
        self.call("POST", f"/api/v2/dags/{case}/clearTaskInstances", asked)

    def state(self, case: str, task: str = "wait") -> tuple[str | None, int]:
        """Give a task's state and its try's number."""
        asked = "select state, try_number from task_instance where dag_id = %s and task_id = %s"
        found = self.query(asked, case, task, database="airflow")
        return found[0] if found else (None, 0)

    def tries(self, case: str) -> dict[str, int]:
        """Count the tries of each task."""
        return {task: self.state(case, task)[1] for task in TASKS}

    def is_deferred(self, case: str) -> bool:
        """Tell whether the case waits in a triggerer."""
        state, tries = self.state(case)
        assert state not in {"failed", "upstream_failed"}, f"{case} has failed after {tries}: {self.logs()}"
        return state == "deferred"

    def wait_until_deferred(self, *cases: str) -> None:
        """Wait until all of them wait in a triggerer."""
        for case in cases:
            self.wait(f"{case} is not deferred", lambda case=case: self.is_deferred(case))

    def complete(self) -> None:
        """Let every batch that runs come to its end, by the emulator's clock."""
        self.emulator.advance(BATCH_SECONDS + 100)

    def ended(self, *cases: str) -> list[str]:
        """Wait until the runs have ended, and give their states."""
        asked = "select state from dag_run where dag_id = %s"

        def state(case: str) -> str | None:
            found = self.query(asked, case, database="airflow")[0][0]
            return found if found in ENDED else None

        return [self.wait(f"{case} is still running", lambda case=case: state(case)) for case in cases]

    def table(self, case: str) -> list[dict[str, Any]]:
        """Give the rows that landed, without what differs from case to case."""
        rows = self.query(f'select {", ".join(COLUMNS)} from "answers_{case}" order by id')
        return [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    def ledger(self, case: str) -> list[tuple[str, int | None, int]]:
        """Give what the API executed for the case: the text, its status, and how often."""
        found = (entry for entry in self.emulator.ledger if entry.body["model"] == case)
        return sorted((e.body["messages"][0]["content"], e.status, e.times) for e in found)

    def batches(self, case: str) -> list[str]:
        """Give the statuses of the batches that were made for the case."""
        return [batch["status"] for batch in self._batches(case)]

    def files(self, case: str) -> list[str]:
        """Give the remote files of the case's batches that still exist."""
        names = ("input_file_id", "output_file_id", "error_file_id")
        own = {batch[name] for batch in self._batches(case) for name in names}
        return [file["id"] for file in self.emulator.files() if file["id"] in own]

    def _batches(self, case: str) -> list[dict[str, Any]]:
        return [batch for batch in self.emulator.batches() if batch["metadata"]["model"] == case]

    def facts(self, case: str, kind: str) -> list[Path]:
        """Find the files of a kind in the folder of the case's run."""
        return list((self.folder / "runs" / case).glob(f"**/{kind}"))

    def starts(self, *services: str) -> None:
        """Start services of Airflow."""
        for service in services:
            self.start(service, self.airflow(service))
