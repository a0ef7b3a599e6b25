"""A day of waiting: nobody holds a worker slot between looks."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.exceptions import TaskDeferred

from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor

HOURS = 24
CONTEXT: Any = {"ti": SimpleNamespace(max_tries=0)}


@pytest.fixture
def run_uri(run_group, warehouse, openai_batch_emulator) -> str:
    """Give a run that takes 23 hours and a half."""
    warehouse.fill(5)
    openai_batch_emulator.take(HOURS * 3_600 - 1_800)
    return run_group(wait={"timeout": 0}).results["submit"]["run_uri"]


def test_a_deferred_day(run_uri, openai_batch_emulator):
    """The worker is asked twice: to begin waiting, and when there is something to do."""
    sensor = OpenAIBatchSensor(task_id="wait", run_uri=run_uri)

    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(CONTEXT)
    looks = look_each_hour(deferred.value.trigger, openai_batch_emulator)
    result = sensor.execute_complete(CONTEXT, {})

    assert looks == HOURS
    assert result["counts"] == {"requests": 5, "answered": 5, "in_flight": 0, "held": 0}


def look_each_hour(trigger, emulator) -> int:
    """Count the looks until the trigger would fire."""
    for look in range(2 * HOURS):
        if asyncio.run(trigger._look_safely()) is not None:
            return look
        emulator.advance(3_600)
    raise AssertionError("the trigger never fires")


@pytest.mark.parametrize("mode", ["reschedule", "poke"])
def test_a_day_without_a_triggerer(run_uri, openai_batch_emulator, mode):
    """Each look is short and says no until the batch has ended."""
    sensor = OpenAIBatchSensor(task_id="wait", run_uri=run_uri, deferrable=False, mode=mode)

    looks = 0
    while not (result := sensor.poke(CONTEXT)):
        looks += 1
        openai_batch_emulator.advance(3_600)

    assert looks == HOURS
    assert result.xcom_value["counts"]["answered"] == 5
    assert sensor.reschedule is (mode == "reschedule")
