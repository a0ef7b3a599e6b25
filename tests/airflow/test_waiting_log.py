"""What a person reads in the log of the task that waits."""

from __future__ import annotations

import re

import pytest
from airflow.exceptions import TaskDeferred

from airflow_provider_openai_batch.links import airflow_version
from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor
from tests.airflow import deferred
from tests.airflow.test_idle import CONTEXT

HOUR = 3_600
DAG = """
from datetime import datetime, timezone
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_openai_batch import OpenAIBatchLoadOperator, OpenAIBatchSubmitOperator
from tests.airflow.deferred import ActingSensor

with DAG({dag_id!r}, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
    sent = OpenAIBatchSubmitOperator(task_id="submit", **{arguments!r})
    ended = ActingSensor(task_id="wait", run_uri=sent.output)
    ended >> OpenAIBatchLoadOperator(task_id="load", run_uri=sent.output)
"""
#: Parts of lines that are in no log of a task: of `dag.test()` and of the API server.
ELSEWHERE = ("[DAG TEST]", "[airflow.api_fastapi.")


@pytest.mark.long
@pytest.mark.skipif(airflow_version() < (3, 0), reason="Airflow 2 has other lines of its own")
def test_the_log_of_five_batches_is_short(
    run_group, warehouse, openai_batch_emulator, monkeypatch, capfd, caplog
):
    """They end an hour apart: a line for each look with a change, one for each batch, none for a call."""
    warehouse.fill(40)
    for number in range(5):
        openai_batch_emulator.fault("slow", duration=HOUR * (number + 1), times=1, skip=number)
    passes = [lambda *_: openai_batch_emulator.advance(HOUR / 2 + 60)] * 12
    monkeypatch.setattr(deferred, "BEFORE_LOOK", passes)
    caplog.set_level("INFO")

    ran = run_group(DAG, limits={"requests_per_shard": 8, "preflight": False})

    told = [record.getMessage() for record in caplog.records]
    begin, end = (next(n for n, line in enumerate(told) if f"{word} task_id=wait" in line)
                  for word in ("starting", "end task"))  # fmt: skip
    printed = re.split(r"Pushing xcom .*task_id='(?:submit|wait)'.*", capfd.readouterr().out)[1]
    log = [*told[begin:end], *(line for line in printed.splitlines() if line)]
    lines = [line for line in log if not any(word in line for word in ELSEWHERE)]
    ours = [line for line in lines if "::" not in line and "Pausing task" not in line]
    assert ran.states["load"] == "success"
    assert len(ours) <= 25
    assert len(set(re.findall(r"Batch (\w+) collected: 8 ok\.", "\n".join(ours)))) == 5
    assert not [line for line in lines if "HTTP" in line]
    # A trigger's lines are lost when the next one begins; what the task itself tells stays.
    own = [re.search(r"(\d) of 5 batches done", line)[1] for line in ours if "ActingSensor]" in line]
    assert own == ["0", "1", "2", "3", "4", "5"]


def test_each_end_is_told_once(run_group, warehouse, openai_batch_emulator, capsys, caplog):
    """A task that resumes tells what others collected meanwhile; a retry, whose log is new, tells all."""
    warehouse.fill(3)
    for number in range(2):
        openai_batch_emulator.fault("slow", duration=HOUR * (number + 1), times=1, skip=number)
    limits = {"requests_per_shard": 1, "preflight": False}
    run_uri = run_group(limits=limits, wait={"timeout": 0}).results["submit"]["run_uri"]
    caplog.set_level("INFO")

    def told(method="execute", *arguments):
        caplog.clear()
        capsys.readouterr()
        with pytest.raises(TaskDeferred) as paused:
            getattr(OpenAIBatchSensor(task_id="wait", run_uri=run_uri), method)(CONTEXT, *arguments)
        # Airflow 3 logs tasks to stdout; Airflow 2 by the library, and in some setups to both.
        printed = capsys.readouterr().out
        lines = caplog.text if airflow_version() < (3, 0) else printed
        return paused.value.kwargs["told"], re.findall(r"(batch_\w+): 1 request, completed", lines)

    hour, _, at_once = (batch["id"] for batch in openai_batch_emulator.batches())
    before, first = told()
    openai_batch_emulator.advance(HOUR * 1.5)
    _, again = told()
    after, resumed = told("execute_complete", {}, before)

    assert first == again == [at_once]
    assert resumed == [hour]
    assert told("execute_complete", {}, after) == (after, [])
    assert told("execute_complete", {}) == (after, [])
