"""The commands of the compose file, run natively: scheduler, triggerer, api-server, and the emulator."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from urllib.request import Request, urlopen

import psycopg
import pytest
import yaml

from tests.servers import start_postgres

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        version("apache-airflow").startswith("2."), reason="the compose file is for Airflow 3"
    ),
]

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
AIRFLOW = ["api-server", "scheduler", "dag-processor", "triggerer"]
DAG_ID = "nightly_classification"
PATIENCE = 300


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Deployment:
    """What `docker compose up` starts, as processes of this machine."""

    def __init__(self, folder, database):
        self.folder = folder
        self.api = f"http://localhost:{free_port()}"
        self.emulator = f"localhost:{free_port()}"
        self.places = {
            "http://api-server:8080": self.api,
            "emulator:8089": self.emulator,
            "postgresql+psycopg2://airflow:airflow@postgres/airflow": f"postgresql+psycopg2://postgres@/airflow?host={database}",
            "postgresql://airflow:airflow@postgres/warehouse": json.dumps(
                {"conn_type": "postgres", "host": str(database), "login": "postgres", "schema": "warehouse"}
            ),
            "--host=0.0.0.0": "--host=127.0.0.1",
            "--port=8089": f"--port={self.emulator.rpartition(':')[2]}",
            "/opt/airflow/dags": str(folder / "dags"),
            "/opt/airflow": str(folder),
        }
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")
        }
        composed = {name: self.here(value) for name, value in SERVICES["scheduler"]["environment"].items()}
        self.environment |= composed | {
            "AIRFLOW_HOME": str(folder / "home"),
            "AIRFLOW__API__PORT": self.api.rpartition(":")[2],
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(free_port()),
            "PYTHONWARNINGS": "ignore",
        }
        self.running = []

    def here(self, text):
        """Translate a place in a container into one of this machine."""
        for place, own in self.places.items():
            text = text.replace(place, own)
        return text

    def command(self, name):
        """Return a service's command; the image runs all but Python through Airflow."""
        words = [self.here(word) for word in SERVICES[name]["command"]]
        return (
            [sys.executable, *words[1:]]
            if words[0] == "python"
            else [sys.executable, "-m", "airflow", *words]
        )

    def run(self, name):
        """Run a service that ends by itself."""
        subprocess.run(self.command(name), env=self.environment, check=True, capture_output=True)

    def start(self, name):
        """Start a service that stays."""
        with (self.folder / f"{name}.log").open("w") as log:
            self.running.append(
                subprocess.Popen(
                    self.command(name),
                    env=self.environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def stop(self):
        """End all services with their children."""
        for process in self.running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def call(self, method, path, body=None):
        """Ask Airflow's API, as the UI does."""
        headers = {"Content-Type": "application/json"}
        if path != "/auth/token":
            headers["Authorization"] = f"Bearer {self.call('GET', '/auth/token')['access_token']}"
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self.api + path, data, headers, method=method)) as answer:
            return json.load(answer)

    def wait(self, what, question):
        """Ask until the answer is true; an error is an answer to wait on."""
        last = time.monotonic() + PATIENCE
        while time.monotonic() < last:
            try:
                if answer := question():
                    return answer
            except OSError:
                pass
            time.sleep(1)
        logs = {path.name: path.read_text()[-2_000:] for path in self.folder.glob("*.log")}
        raise AssertionError(f"{what} after {PATIENCE} s: {logs}")


@pytest.fixture
def deployment(tmp_path):
    """Start everything in the order of the compose file."""
    database = tmp_path / "postgres"
    server = start_postgres(database)
    server.psql("create database airflow")
    server.psql((ROOT / "docker/warehouse.sql").read_text())
    shutil.copytree(ROOT / "example_dags", tmp_path / "dags")
    deployed = Deployment(tmp_path, server.get_postmaster_info().socket_dir)
    deployed.run("init")
    try:
        for name in ["emulator", *AIRFLOW]:
            deployed.start(name)
        yield deployed
    finally:
        deployed.stop()
        server.cleanup()


def healthy(deployment):
    parts = deployment.call("GET", "/api/v2/monitor/health")
    return all(part["status"] == "healthy" for part in parts.values())


def ended(deployment, run_id):
    state = deployment.call("GET", f"/api/v2/dags/{DAG_ID}/dagRuns/{run_id}")["state"]
    return state if state in {"success", "failed"} else None


def test_a_triggered_run_labels_every_ticket(deployment):
    """Open the UI, trigger the DAG: yesterday's forty tickets are labelled, and the wait was deferred."""
    deployment.wait("not healthy", lambda: healthy(deployment))
    deployment.wait(
        "no DAG", lambda: deployment.call("PATCH", f"/api/v2/dags/{DAG_ID}", {"is_paused": False})
    )
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    run = deployment.call("POST", f"/api/v2/dags/{DAG_ID}/dagRuns", {"logical_date": now})

    state = deployment.wait("still running", lambda: ended(deployment, run["dag_run_id"]))

    assert state == "success"
    warehouse = deployment.places["postgresql://airflow:airflow@postgres/warehouse"]
    with psycopg.connect(
        host=json.loads(warehouse)["host"], user="postgres", dbname="warehouse"
    ) as connected:
        counted = connected.execute(
            "select count(*), count(distinct id), count(batch_status) from ticket_labels"
        )
        assert counted.fetchone() == (40, 40, 40)
    assert list(deployment.folder.glob("home/logs/**/*.trigger.*.log"))
