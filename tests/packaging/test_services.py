"""The commands of the compose file, run natively: scheduler, triggerer, api-server, and the emulator."""

from __future__ import annotations

import time
from importlib.metadata import version

import psycopg
import pytest

from tests.services.composed import Composed
from tests.services.stack import lent

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        version("apache-airflow").startswith("2."), reason="the compose file is for Airflow 3"
    ),
]

DAG_ID = "nightly_classification"


@pytest.fixture
def deployment():
    """Start everything in the order of the compose file."""
    with lent(Composed) as deployed:
        deployed.set_up()
        deployed.start_all()
        yield deployed


def ended(deployment, run_id):
    state = deployment.call("GET", f"/api/v2/dags/{DAG_ID}/dagRuns/{run_id}")["state"]
    return state if state in {"success", "failed"} else None


def test_a_triggered_run_labels_every_ticket(deployment):
    """Open the UI, trigger the DAG: the tickets up to yesterday are labelled, and the wait was deferred."""
    deployment.wait("not healthy", deployment.is_healthy)
    deployment.wait(
        "no DAG", lambda: deployment.call("PATCH", f"/api/v2/dags/{DAG_ID}", {"is_paused": False})
    )
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    run = deployment.call("POST", f"/api/v2/dags/{DAG_ID}/dagRuns", {"logical_date": now})

    state = deployment.wait("still running", lambda: ended(deployment, run["dag_run_id"]))

    assert state == "success"
    place = {"host": str(deployment.socket), "user": "postgres", "dbname": "warehouse"}
    with psycopg.connect(**place) as connected:
        asked = connected.execute("select count(*) from tickets where day < current_date").fetchone()
        counted = connected.execute("select count(distinct id) from ticket_labels where batch_status = 'ok'")
        assert asked == (80,)
        assert (
            connected.execute("select count(*), count(distinct id) from ticket_labels").fetchone()
            == asked * 2
        )
        assert counted.fetchone() > (70,)
    assert list(deployment.folder.glob("home/logs/**/*.trigger.*.log"))
