"""The event of the target's asset holds what load did, and a task reads it there."""

from __future__ import annotations

import json

import pytest

FOLLOWED = """
import json
from datetime import datetime, timezone
from airflow.providers.common.compat.sdk import DAG, AssetAlias, task
from airflow_provider_openai_batch import OpenAIBatchTaskGroup
from airflow_provider_openai_batch.assets import alias_name, target_asset

def note(context):
    with open("{note}", "a") as file:
        print(json.dumps([context["ti"].task_id, context["openai_batch"]]), file=file)

with DAG({{dag_id!r}}, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
    arguments = {{arguments!r}}
    group = OpenAIBatchTaskGroup("g", on_complete=note, **arguments)
    followed = {followed}

    @task(task_id="g.read", inlets=[followed], trigger_rule="all_done")
    def read(*, inlet_events):
        return [dict(event.extra) for event in inlet_events[followed]]

    group >> read()

if hasattr(dag, "sync_to_db"):  # Airflow 2 tests a DAG without telling its database of the datasets
    dag.sync_to_db()
"""


@pytest.mark.parametrize(
    ("table", "followed"),
    [
        ("answers", "target_asset(arguments['target'])"),
        ("answers_{{ dag.dag_id }}", "AssetAlias(alias_name({dag_id!r}, 'g.load'))"),
    ],
    ids=["asset", "alias"],
)
def test_a_task_reads_the_counts_from_the_event(
    table, followed, run_group, warehouse, openai_batch_emulator, tmp_path
):
    """Of a table by its asset, of a templated one by the alias of the load; a callback gets the same."""
    warehouse.fill(6)
    text = FOLLOWED.format(followed=followed.replace("{dag_id!r}", "dag.dag_id"), note=tmp_path / "note")

    ran = run_group(text, target={"conn_id": "warehouse", "table": table})

    assert set(ran.states.values()) == {"success"}
    result = ran.results["load"]
    assert ran.results["read"] == [result]
    assert (result["rows"], result["counts"], result["failed"]) == (6, {"ok": 6}, 0)
    assert result["cost_usd"] > 0
    assert result["run_uri"] in result["report_uri"]
    assert [json.loads(line) for line in (tmp_path / "note").open()] == [["g.load", result]]


def test_no_event_but_a_callback_if_too_many_rows_failed(
    run_group, warehouse, openai_batch_emulator, tmp_path
):
    """A DAG that follows does not start; who is called back sees what landed."""
    warehouse.fill(4)
    openai_batch_emulator.fault("fail_requests", share=1.0, status=400, permanent=True, times=None)
    text = FOLLOWED.format(followed="target_asset(arguments['target'])", note=tmp_path / "note")

    ran = run_group(text, target={"conn_id": "warehouse", "table": "unanswered"})

    assert ran.states["load"] == "failed"
    assert ran.results["read"] == []
    ((_, result),) = [json.loads(line) for line in (tmp_path / "note").open()]
    assert (result["rows"], result["failed"]) == (4, 4)
    assert result["top_errors"][0]["count"] == 4
