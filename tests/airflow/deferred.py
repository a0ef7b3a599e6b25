"""A wait that does something while it is deferred, and Airflow's own REST API in this process."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor
from airflow_provider_openai_batch.triggers.openai_batch import OpenAIBatchRunTrigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

#: What is done, in turn, each time before a trigger looks: with the task's DAG, run, id, and number.
BEFORE_LOOK: list[Callable[..., object]] = []


@cache
def api() -> Any:
    """Return a client of Airflow's app, as a user who may see everything."""
    # Airflow 2 has none of these.
    from airflow.api_fastapi.app import create_app  # noqa: PLC0415
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser  # noqa: PLC0415
    from fastapi.testclient import TestClient  # noqa: PLC0415

    app = create_app(apps="core")
    token = app.state.auth_manager.generate_jwt(SimpleAuthManagerUser(username="test", role="admin"))
    return TestClient(app, headers={"Authorization": f"Bearer {token}"})


def asked(what: str, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, Any]:
    """Return what Airflow's UI gets to know of a task, such as its `links`."""
    task = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task_id}"
    answer = api().get(f"{task}/{what}", params={"map_index": map_index})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class ActingSensor(OpenAIBatchSensor):
    """A sensor whose trigger acts before each look."""

    def execute(self, context):
        """Remember whose trigger it is."""
        self.acts_for = context["ti"]
        return super().execute(context)

    def execute_complete(self, context, event=None, told=None):
        """Remember whose trigger it is."""
        self.acts_for = context["ti"]
        return super().execute_complete(context, event, told)

    def _trigger(self, *given):
        _, arguments = super()._trigger(*given).serialize()
        ti = self.acts_for
        return ActingTrigger(acts_for=[ti.dag_id, ti.run_id, ti.task_id, ti.map_index], **arguments)


class ActingTrigger(OpenAIBatchRunTrigger):
    """A trigger that acts before each look."""

    def __init__(self, *, acts_for: list[Any], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.acts_for = acts_for

    def serialize(self):
        """Return what a triggerer is given."""
        path, arguments = super().serialize()
        return path, {"acts_for": self.acts_for, **arguments}

    async def run(self) -> AsyncIterator[Any]:
        """Look, without a pause between the looks."""
        async for event in super().run():
            yield event

    async def _look_safely(self):
        if BEFORE_LOOK:
            await asyncio.to_thread(BEFORE_LOOK.pop(0), *self.acts_for)
        return await super()._look_safely()

    def _after(self, seconds):
        return super()._after(0)
