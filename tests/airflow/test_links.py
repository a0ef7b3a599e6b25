"""The links of tasks, as Airflow's API gives them to its UI."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest

from airflow_provider_openai_batch.links import airflow_version, has_page
from tests.airflow import deferred
from tests.airflow.conftest import DAY

MAPPED = """
from datetime import datetime, timezone
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_openai_batch import (
    OpenAIBatchLoadOperator, OpenAIBatchSubmitOperator, partition_source,
)
from tests.airflow.deferred import ActingSensor

given = {arguments!r}

with DAG({dag_id!r}, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
    sources = partition_source(given.pop("source"), "id % 2", values=[0, 1])
    sent = OpenAIBatchSubmitOperator.partial(task_id="submit", **given).expand(source=sources)
    ended = ActingSensor.partial(task_id="wait", poke_interval=1).expand(run_uri=sent.output)
    ended >> OpenAIBatchLoadOperator.partial(task_id="load").expand(run_uri=sent.output)
"""


@pytest.mark.long
@pytest.mark.skipif(airflow_version() < (3, 1), reason="Airflow 2 has another API")
def test_links_while_deferred_and_after_the_end(
    run_dag, connection, warehouse, openai_batch_emulator, tmp_path, monkeypatch
):
    """Each mapped task has its own: the run and the batches at once, the report once it is written."""
    dashboard = "https://gateway.example/batches"
    extra = openai_batch_emulator.connection["extra"] | {"dashboard_url": dashboard}
    connection("openai_default", **{**openai_batch_emulator.connection, "extra": extra})
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/team/")
    warehouse.fill(5)
    openai_batch_emulator.take(3_600)
    openai_batch_emulator.fault("slow", duration=600, times=1)
    deferred.api()
    seen, values = {}, {}

    def ask(*task):
        seen.setdefault(task[-1], deferred.asked("links", *task)["extra_links"])
        values.setdefault(
            task[-1], deferred.asked("state-store", *task) if airflow_version() >= (3, 3) else None
        )
        openai_batch_emulator.advance(2_000)

    monkeypatch.setattr(deferred, "BEFORE_LOOK", [ask, ask])
    source, work_path = tmp_path / "linked.py", f"file://{tmp_path / 'elsewhere'}"
    arguments = {
        "source": {"conn_id": "warehouse", "table": "tickets", "key": "id"},
        "request": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "{text}"}]},
        "target": {"conn_id": "warehouse", "table": "answers"},
        "work_path": work_path,
    }
    source.write_text(MAPPED.format(dag_id="linked", arguments=arguments))

    done = run_dag(source, DAY)

    for index in (0, 1):
        run = f"linked/submit/{done.run_id}/{index}"
        waiting = place("run", run, work_path)
        assert seen[index] == {
            "Batches": dashboard,
            "Run": waiting,
            "Report": waiting and f"{waiting}#report",
        }
        after = [deferred.asked("links", "linked", done.run_id, task, index)["extra_links"]
                 for task in ("submit", "wait", "load")]  # fmt: skip
        assert after == [seen[index]] * 2 + [seen[index] | {"Report": place("report", run, work_path)}]
        assert values[index] is None or "0 of 1 batch done; " in str(values[index])


def place(what: str, run: str, work_path: str) -> str | None:
    """Return the URL of a run on our page."""
    if not has_page():
        return None
    where = {"id": run, "work_path": work_path}
    return f"https://airflow.example/team/openai_batch/{what}?{urlencode(where, quote_via=quote, safe='')}"
