"""A run that waits for room in the token queue looks often: other runs make the room."""

from __future__ import annotations

import asyncio

import pytest

from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor
from airflow_provider_openai_batch.triggers.openai_batch import OpenAIBatchRunTrigger

LOOKS = 12


class Hurried(OpenAIBatchRunTrigger):
    """A trigger whose time does not pass; after some looks, the batch of the other run ends."""

    pauses: list[float]

    def _after(self, seconds):
        if len(self.pauses) == LOOKS:
            self.emulator.advance(2_000)
        self.pauses.append(seconds)
        return super()._after(0)


@pytest.fixture
def refused(run_group, warehouse, openai_batch_emulator):
    """Give the run that comes second to a queue for one."""
    warehouse.fill(5)
    openai_batch_emulator.restart(queue_tokens=400, seconds_to_complete=1_000)
    for table in ("answers", "others"):
        ran = run_group(target={"conn_id": "warehouse", "table": table}, wait={"timeout": 0})
        openai_batch_emulator.advance(60)
    assert [batch["status"] for batch in openai_batch_emulator.batches()] == ["in_progress", "failed"]
    return ran.results["submit"]["run_uri"]


def waiting(run_uri, **arguments):
    return OpenAIBatchSensor(task_id="wait", run_uri=run_uri, deferrable=False, **arguments)


def test_its_trigger_looks_once_a_minute(refused, openai_batch_emulator):
    """The pauses do not grow to five minutes, and the next look after the end finds room."""
    assert waiting(refused).poke({"ti": None}) is False  # it learns of the refusal
    trigger = Hurried(
        run_uri=refused,
        openai_conn_id="openai_default",
        poke_interval=30,
        max_interval=300,
        first_look=8,
        deadline=None,
    )
    trigger.emulator, trigger.pauses = openai_batch_emulator, []

    async def events():
        return [event.payload["reason"] async for event in trigger.run()]

    assert asyncio.run(events()) == ["Due"]
    first_look, *pauses = trigger.pauses
    assert first_look == 8
    assert max(pauses) <= 66
    assert LOOKS <= len(pauses)


@pytest.mark.parametrize("mode", ["reschedule", "poke"])
def test_so_does_a_sensor_without_a_triggerer(refused, mode):
    """However long it has waited."""
    sensor = waiting(refused, mode=mode)

    assert sensor.poke({"ti": None}) is False
    assert sensor._get_next_poke_interval(0, lambda: 90_000, 1) <= 66
