"""The compose file starts everything, in order, without a key."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.servers import own_folder, postgres_in

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
SERVICES = COMPOSE["services"]
AIRFLOW = {"api-server", "scheduler", "dag-processor", "triggerer"}


def test_it_has_all_that_a_run_needs():
    """Airflow's four parts, a database, and the API."""
    assert set(SERVICES) == AIRFLOW | {"init", "postgres", "emulator"}


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"init"}))
def test_each_service_tells_whether_it_works(name):
    """`docker compose up --wait` ends when everything can be used."""
    assert SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


@pytest.mark.parametrize("name", sorted(AIRFLOW))
def test_airflow_starts_after_its_database_is_made(name):
    """No part of Airflow meets a database without tables."""
    assert SERVICES[name]["depends_on"]["init"] == {"condition": "service_completed_successfully"}
    assert SERVICES[name]["command"] == [name]


@pytest.mark.parametrize("name", sorted(AIRFLOW))
def test_airflow_shares_runs_and_sees_the_examples(name):
    """Workers, triggerer, and api-server see one work path, and the example DAGs."""
    mounts = dict(volume.split(":", 1) for volume in SERVICES[name]["volumes"])
    work_path = SERVICES[name]["environment"]["AIRFLOW__OPENAI_BATCH__WORK_PATH"]

    assert work_path == f"file://{mounts['runs']}"
    assert mounts["./example_dags"].startswith(SERVICES[name]["environment"]["AIRFLOW__CORE__DAGS_FOLDER"])


def test_the_connections_lead_to_the_other_services():
    """Both connections are set by environment, and no real key is needed."""
    environment = SERVICES["scheduler"]["environment"]
    openai = json.loads(environment["AIRFLOW_CONN_OPENAI_DEFAULT"])

    assert openai.pop("extra") == {"prices": "openai"}  # costs are shown as they would be
    assert openai == {"conn_type": "openai_batch", "host": "http://emulator:8089/v1", "password": "no-key"}
    assert environment["AIRFLOW_CONN_WAREHOUSE"] == "postgresql://airflow:airflow@postgres/warehouse"
    assert "--port=8089" in SERVICES["emulator"]["command"]


def test_only_this_machine_can_reach_it():
    """Everybody is an administrator in there, so ports are published on loopback only."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", sorted(COMPOSE["volumes"]))
def test_every_volume_is_used(name):
    """A volume that nobody mounts is a mistake."""
    assert any(f"{name}:" in "".join(service.get("volumes", [])) for service in SERVICES.values())


def test_the_image_is_the_airflow_of_the_checks():
    """What the compose file starts is what the tests ran with."""
    base = (ROOT / "docker/Dockerfile").read_text().split()[1]
    pinned = next(
        line
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line.startswith("apache-airflow==")
    )

    assert base == f"apache/airflow:{pinned.partition('==')[2]}"


def test_the_warehouse_is_made():
    """The script that makes the warehouse runs on PostgreSQL, with tickets for the days to come."""
    with own_folder("compose-") as folder, postgres_in(folder / "postgres") as server:
        server.psql((ROOT / "docker/warehouse.sql").read_text())
        counts = server.psql(
            "\\connect warehouse\n\\t\n"
            "select count(*) from tickets where day = current_date - 1; select count(*) from logs;"
        )

    assert counts.split()[-2:] == ["40", "8"]


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is not installed")
def test_docker_compose_reads_it():
    """The file is one that Docker understands."""
    done = subprocess.run(
        ["docker-compose", "config", "-q"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
