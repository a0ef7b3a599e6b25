"""A Python function as the source of a real DAG run."""

from __future__ import annotations

import json
import runpy
from textwrap import dedent

import pytest
from airflow.serialization import serialized_objects

from tests.airflow.conftest import DAY

DAG = """
import json
from datetime import datetime, timezone
from pathlib import Path
from airflow.providers.common.compat.sdk import DAG, task
from airflow_provider_openai_batch import OpenAIBatchTaskGroup

{function}

with DAG({dag_id!r}, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
    OpenAIBatchTaskGroup(
        "label",
        source={{
            "call": rows, "key": "id", "carry": "day",
            "op_kwargs": {{"count": 3, "name": "{{{{ dag.dag_id }}}}"}},
        }},
        request={{"model": "gpt-5-mini", "messages": [{{"role": "user", "content": "{{text}}"}}]}},
        target={{"conn_id": "warehouse", "table": "answers"}},
        submit={{"retries": 1, "retry_delay": 0}},
        wait={{"poke_interval": 1}},
    )
"""

PLAIN = '''
def rows(count, name, ds):
    """Say how often it was called, and yield rows with braces of their own."""
    calls = Path({calls!r})
    calls.write_text(calls.read_text() + "x" if calls.exists() else "x")
    for number in range(count):
        yield {{"id": number, "text": name + " {{{{ no template }}}} " + str(number), "day": ds}}
'''


@pytest.fixture
def dag_file(tmp_path):
    """Return how to write a DAG file around a function."""

    def write(dag_id, function):
        source = tmp_path / f"{dag_id}.py"
        source.write_text(DAG.format(dag_id=dag_id, function=dedent(function)))
        return source

    return write


def states(done):
    return {task.task_id: str(task.state) for task in done.get_task_instances()}


@pytest.mark.parametrize("decorator", ["", "@task"])
def test_its_rows_land(run_dag, warehouse, openai_batch_emulator, dag_file, tmp_path, decorator):
    """It gets its arguments, rendered, and what it names of Airflow's context; it is called once."""
    calls = tmp_path / "calls"
    source = dag_file(f"called{len(decorator)}", decorator + PLAIN.format(calls=str(calls)))

    done = run_dag(source, DAY)

    assert set(states(done).values()) == {"success"}
    name = f"called{len(decorator)}"
    texts = sorted(entry.body["messages"][0]["content"] for entry in openai_batch_emulator.ledger)
    assert texts == [f"{name} {{{{ no template }}}} {number}" for number in range(3)]
    landed = warehouse.query("select id, day, batch_status from answers order by id")
    assert [(row[0], row[2]) for row in landed] == [(n, "ok") for n in range(3)]
    assert len({row[1] for row in landed}) == 1
    assert calls.read_text() == "x"


def test_an_error_in_it_sends_nothing(run_dag, warehouse, openai_batch_emulator, dag_file):
    """Rows that came before the error are not asked: nobody knows which were to follow."""
    function = """
    def rows(**context):
        yield {"id": 1, "text": "a", "day": context["ds"]}
        raise LookupError("page 2 is missing")
    """

    done = run_dag(dag_file("broken", function), DAY)

    assert states(done) == {
        "label.submit": "failed",
        "label.wait": "upstream_failed",
        "label.load": "upstream_failed",
    }
    assert not openai_batch_emulator.batches()


def test_its_dag_is_serialized_alike_each_time(dag_file, tmp_path):
    """No address of an object is in what Airflow stores: the DAG would get a new version at each parse."""
    kind = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
    source = dag_file("stored", PLAIN.format(calls=str(tmp_path / "calls")))

    first, second = (
        json.dumps(kind.to_dict(runpy.run_path(str(source))["dag"]), default=str) for _ in range(2)
    )

    assert first == second
    assert '"call": "rows"' in first
    assert "0x" not in first
