"""The report of a load that Airflow runs: it knows its DAG run, and the runs before it."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from airflow_provider_openai_batch.links import airflow_version
from tests.airflow.conftest import DAG, DAY, REQUEST


@pytest.mark.long
def test_a_second_run_is_compared_with_the_first(
    run_dag, warehouse, openai_batch_emulator, tmp_path, monkeypatch
):
    """Cost, failed rows, and labels of the first are in the report of the second, which links its DAG run."""
    section = "WEBSERVER" if airflow_version() < (3, 0) else "API"
    monkeypatch.setenv(f"AIRFLOW__{section}__BASE_URL", "https://airflow.example")
    openai_batch_emulator.take(0)
    warehouse.fill(6)
    source = tmp_path / "nightly.py"
    arguments = {
        "source": {"conn_id": "warehouse", "table": "tickets", "key": "id", "where": "id >= 0"},
        "request": REQUEST,
        "output_type": ["bug", "feature"],
        "target": {"conn_id": "warehouse", "table": "answers"},
        "wait": {"poke_interval": 1},
    }
    source.write_text(DAG.format(dag_id="nightly", arguments=arguments))

    first, report_of_first = loaded(run_dag(source, DAY))
    warehouse.query("insert into tickets select id + 6, 'later ' || text from tickets")
    second, report_of_second = loaded(run_dag(source, DAY))

    (before,) = report_of_second["earlier"]
    assert report_of_first["earlier"] == []
    assert before["run_id"] == f"nightly/g.submit/{first}"
    assert (before["rows"], before["failed"], before["cost_usd"]) == (6, 0, report_of_first["cost_usd"])
    assert before["labels"][0]["labels"] == report_of_first["labels"][0]["labels"]
    assert (report_of_second["source"], report_of_second["target"]) == (
        "warehouse.tickets, with a condition",
        "warehouse.answers",
    )
    assert report_of_second["dag_run_url"].startswith("https://airflow.example/dags/nightly/")
    assert report_of_second["dag_run_url"].endswith(quote(second, safe=""))
    assert report_of_second["estimate"]["requests"] == 6


def loaded(run):
    """Return the id of a DAG run, and the report of its load."""
    (load,) = (task for task in run.get_task_instances() if task.task_id == "g.load")
    uri = load.xcom_pull(task_ids="g.load")["report_uri"]
    return run.run_id, json.loads(Path(urlsplit(uri).path).with_suffix(".json").read_text())
