"""Mapped operators in a real DAG run: each instance is a run of its own, and all load one table."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from airflow_provider_openai_batch.run_location import open_index
from airflow_provider_openai_batch.steps.run_index.read_index import Asked, read_page
from tests.airflow.conftest import DAY

DAG = """
from datetime import datetime, timezone
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_openai_batch import (
    OpenAIBatchLoadOperator, OpenAIBatchSensor, OpenAIBatchSubmitOperator, partition_source,
)

given = {arguments!r}
NAMED = {{"map_index_template": "{{{{ task.partition }}}}"}}

with DAG({dag_id!r}, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
    sources = partition_source(given.pop("source"), "id % 2", values=[0, 1])
    sent = OpenAIBatchSubmitOperator.partial(task_id="submit", **NAMED, **given).expand(source=sources)
    ended = OpenAIBatchSensor.partial(task_id="wait", poke_interval=1, **NAMED).expand(run_uri=sent.output)
    ended >> OpenAIBatchLoadOperator.partial(task_id="load", **NAMED).expand(run_uri=sent.output)
"""


def test_mapped_operators(run_dag, warehouse, openai_batch_emulator, tmp_path):
    """Two partitions: two run folders, batches that name their number, and every row once in one table."""
    warehouse.fill(5)
    source = tmp_path / "mapped.py"
    arguments = {
        "source": {"conn_id": "warehouse", "table": "tickets", "key": "id"},
        "request": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "{text}"}]},
        "target": {"conn_id": "warehouse", "table": "answers"},
    }
    source.write_text(DAG.format(dag_id="mapped", arguments=arguments))

    done = run_dag(source, DAY)

    tasks = {(task.task_id, task.map_index): task for task in done.get_task_instances()}
    assert {str(task.state) for task in tasks.values()} == {"success"}
    names = {index: {tasks[name, index].rendered_map_index for name in ("submit", "wait", "load")}
             for index in (0, 1)}  # fmt: skip
    assert names == {0: {"(id % 2) = 0"}, 1: {"(id % 2) = 1"}}
    results = [tasks["submit", index].xcom_pull(task_ids="submit", map_indexes=index) for index in (0, 1)]
    assert [result["partition"] for result in results] == ["(id % 2) = 0", "(id % 2) = 1"]
    assert [Path(urlsplit(result["run_uri"]).path).name for result in results] == ["0", "1"]
    assert sorted(batch["metadata"]["map_index"] for batch in openai_batch_emulator.batches()) == ["0", "1"]
    assert warehouse.query("select id, batch_status from answers order by id") == [
        (n, "ok") for n in range(5)
    ]
    assert [execution.times for execution in openai_batch_emulator.ledger] == [1] * 5
    listed = read_page(open_index(), Asked(dags={"mapped"})).runs
    assert {(one.entry.run_uri, one.is_open) for one in listed} == {
        (result["run_uri"], False) for result in results
    }
