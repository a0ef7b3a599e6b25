"""A DAG that is scheduled on the target's asset, in a real Airflow: it reads what landed from the event."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest

from tests.services.composed import Composed
from tests.services.stack import lent

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(version("apache-airflow").startswith("2."), reason="the services are of Airflow 3"),
]

LABELS, FOLLOWS = "nightly_classification", "publish_labels"


@pytest.fixture
def stack() -> Iterator[Composed]:
    """Start Airflow over the examples, and switch both DAGs on: last night's run of the first one begins."""
    with lent(Composed) as composed:
        composed.set_up()
        composed.start_all()
        composed.wait("not healthy", composed.is_healthy)
        for dag_id in (FOLLOWS, LABELS):
            composed.wait(f"no DAG {dag_id}", lambda dag_id=dag_id: switch_on(composed, dag_id))
        yield composed


def switch_on(stack: Composed, dag_id: str) -> Any:
    return stack.call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})


def ended_runs(stack: Composed, dag_id: str) -> list[dict[str, Any]]:
    """Return the runs of a DAG that have ended."""
    runs = stack.call("GET", f"/api/v2/dags/{dag_id}/dagRuns")["dag_runs"]
    return [run for run in runs if run["state"] in {"success", "failed"}]


def result_of(stack: Composed, run: dict[str, Any], task: str) -> Any:
    """Return what a task of the run has returned."""
    path = f"/api/v2/dags/{run['dag_id']}/dagRuns/{quote(run['dag_run_id'])}/taskInstances/{task}"
    return stack.call("GET", f"{path}/xcomEntries/return_value?deserialize=true")["value"]


def landed_rows(stack: Composed) -> dict[str, int]:
    """Count the rows in the table of labels by their status."""
    asked = "select batch_status, count(*) from ticket_labels group by 1"
    with psycopg.connect(host=str(stack.socket), user="postgres", dbname="warehouse") as connected:
        return dict(connected.execute(asked).fetchall())


def test_it_starts_when_rows_have_landed_and_reads_the_counts(stack: Composed) -> None:
    """The scheduler starts it for the event; rows, failures, cost, run, and report are those of the load."""
    (labelled,) = stack.wait("no labels", lambda: ended_runs(stack, LABELS))
    (followed,) = stack.wait("nothing has followed", lambda: ended_runs(stack, FOLLOWS))

    assert (labelled["state"], followed["state"], followed["run_type"]) == (
        "success", "success", "asset_triggered"
    )  # fmt: skip
    (read,) = result_of(stack, followed, "publish")
    assert read == result_of(stack, labelled, "classify.load")
    counts = landed_rows(stack)
    assert (read["counts"], read["rows"]) == (counts, sum(counts.values()))
    assert read["rows"] - read["failed"] == counts["ok"] > 0
    assert read["cost_usd"] > 0
    assert labelled["dag_run_id"] in read["run_uri"]
    assert Path(read["report_uri"].removeprefix("file://")).read_text().startswith("<!DOCTYPE html>")
