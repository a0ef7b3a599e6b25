"""One DAG for each case of the tests: a run whose process dies at a named line, once, or is disturbed."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, TaskDeferred

from airflow_provider_openai_batch.operators.load import OpenAIBatchLoadOperator
from airflow_provider_openai_batch.operators.submit import OpenAIBatchSubmitOperator
from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor

MARKS = Path(os.environ["AIRFLOW_HOME"]) / "marks"
RETRIED = {"retries": 3, "retry_delay": timedelta(seconds=1)}
LIMITED = {"execution_timeout": timedelta(seconds=30)}


def die_once(place: str, due: str) -> None:
    """Kill this process with SIGKILL when it comes to the place, the first time."""
    if place != due:
        return
    MARKS.mkdir(exist_ok=True)
    try:
        (MARKS / place).touch(exist_ok=False)
    except FileExistsError:
        return
    worker = os.getppid()
    if place == "lost" and worker > 1:
        os.kill(worker, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


class Submit(OpenAIBatchSubmitOperator):
    """Dies after everything was sent, alone or with the worker that watches over it."""

    def execute(self, context: Any) -> Any:
        """Send, then die."""
        done = super().execute(context)
        die_once("submitted", self.dag_id)
        die_once("lost", self.dag_id)
        return done


class Wait(OpenAIBatchSensor):
    """Dies before it defers, when it wakes up, or when all is answered."""

    def execute(self, context: Any) -> Any:
        """Look, then die instead of deferring."""
        try:
            return super().execute(context)
        except TaskDeferred:
            die_once("deferring", self.dag_id)
            raise

    def execute_complete(self, context: Any, event: Any = None, told: Any = None) -> Any:
        """Die first, or with the result in hand."""
        die_once("resuming", self.dag_id)
        done = super().execute_complete(context, event, told)
        die_once("answered", self.dag_id)
        return done


class Load(OpenAIBatchLoadOperator):
    """Dies after the rows were committed."""

    def execute(self, context: Any) -> Any:
        """Load, then die."""
        done = super().execute(context)
        die_once("landed", self.dag_id)
        return done


def case(dag_id: str, **wait: Any) -> None:
    """Make the three tasks over the table of notes; the model's name tells the batches of the case."""
    given = {"conn_id": "warehouse"}
    with DAG(dag_id, schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), default_args=RETRIED):
        submit = Submit(
            task_id="submit",
            source=given | {"table": "notes", "key": "id"},
            request={"model": dag_id, "messages": [{"role": "user", "content": "Note: {text}"}]},
            target=given | {"table": f"answers_{dag_id}"},
        )
        waited = Wait(
            task_id="wait", run_uri=submit.output, **{"poke_interval": 2, "max_wait": 2, "retries": 8} | wait
        )
        Load(task_id="load", run_uri=waited.output)


# Nothing happens to it; then SIGKILL at these places.
for name in ["undisturbed", "lost", "submitted", "deferring", "resuming", "answered", "landed"]:
    case(name)

# The triggerer goes away; the scheduler goes away.
case("redeployed", cancel_on_kill=True)
case("unscheduled")

# The batch takes longer than the task may.
case("limited_deferred", **LIMITED)
case("limited_rescheduled", deferrable=False, **LIMITED)

# A person marks the waiting task as failed, or clears it.
case("failed_cancelling", cancel_on_kill=True)
case("failed_leaving")
case("cleared_cancelling", cancel_on_kill=True)
case("cleared_leaving")
