"""The commands of the compose file, run natively: scheduler, triggerer, api-server, and the emulator."""

from __future__ import annotations

import json
import shutil
import time
from importlib.metadata import version
from pathlib import Path

import psycopg
import pytest
import yaml

from tests.servers import start_postgres
from tests.services.stack import Stack, free_port

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


class Deployment(Stack):
    """What `docker compose up` starts, as processes of this machine."""

    def __init__(self, folder, database):
        super().__init__(folder, {})
        emulator = f"localhost:{free_port()}"
        self.places = {
            "http://api-server:8080": self.api,
            "emulator:8089": emulator,
            "postgresql+psycopg2://airflow:airflow@postgres/airflow": f"postgresql+psycopg2://postgres@/airflow?host={database}",
            "postgresql://airflow:airflow@postgres/warehouse": json.dumps(
                {"conn_type": "postgres", "host": str(database), "login": "postgres", "schema": "warehouse"}
            ),
            "--host=0.0.0.0": "--host=127.0.0.1",
            "--port=8089": f"--port={emulator.rpartition(':')[2]}",
            "/opt/airflow/dags": str(folder / "dags"),
            "/opt/airflow": str(folder),
        }
        composed = {name: self.here(value) for name, value in SERVICES["scheduler"]["environment"].items()}
        self.environment |= composed | {"AIRFLOW__CORE__PARALLELISM": "2"}

    def here(self, text):
        """Translate a place in a container into one of this machine."""
        for place, own in self.places.items():
            text = text.replace(place, own)
        return text

    def command(self, name):
        """Return a service's command; the image runs all but Python through Airflow."""
        words = [self.here(word) for word in SERVICES[name]["command"]]
        return [self.python, *words[1:]] if words[0] == "python" else self.airflow(*words)


@pytest.fixture
def deployment(tmp_path):
    """Start everything in the order of the compose file."""
    database = tmp_path / "postgres"
    server = start_postgres(database)
    server.psql("create database airflow")
    server.psql((ROOT / "docker/warehouse.sql").read_text())
    shutil.copytree(ROOT / "example_dags", tmp_path / "dags")
    deployed = Deployment(tmp_path, server.get_postmaster_info().socket_dir)
    deployed.run(deployed.command("init"))
    try:
        for name in ["emulator", *AIRFLOW]:
            deployed.start(name, deployed.command(name))
        yield deployed
    finally:
        deployed.stop()
        server.cleanup()


def ended(deployment, run_id):
    state = deployment.call("GET", f"/api/v2/dags/{DAG_ID}/dagRuns/{run_id}")["state"]
    return state if state in {"success", "failed"} else None


def test_a_triggered_run_labels_every_ticket(deployment):
    """Open the UI, trigger the DAG: yesterday's forty tickets are labelled, and the wait was deferred."""
    deployment.wait("not healthy", deployment.is_healthy)
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
