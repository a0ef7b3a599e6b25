"""A day of waiting: nobody holds a worker slot between looks."""

from __future__ import annotations

import asyncio
import re
from contextlib import nullcontext
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


def lines_of(capsys, caplog) -> list[str]:
    """Give the lines about the run's progress: Airflow 2 logs by the library, Airflow 3 to stdout."""
    said = capsys.readouterr().out or caplog.text
    return re.findall(r"0 of 1 batch done; 0 of 5 requests answered; waiting .*; next look in \d+ \w+", said)


def test_a_deferred_wait_logs_how_far_it_is(run_uri, openai_batch_emulator, capsys, caplog):
    """A line when something has changed, and one an hour: nothing else."""
    sensor = OpenAIBatchSensor(task_id="wait", run_uri=run_uri)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(CONTEXT)
    trigger = deferred.value.trigger
    caplog.set_level("INFO")
    caplog.clear()
    capsys.readouterr()

    for _ in range(7):  # a little more than two hours: what a header says is exact to a second only
        assert asyncio.run(trigger._look_safely()) is None
        trigger._log_news(45)
        openai_batch_emulator.advance(1_230)

    first, *hourly = lines_of(capsys, caplog)
    assert re.search(r"; waiting \d+ s; next look in 45 s$", first)
    assert [re.match(r"waiting \d h", line.split("; ")[2])[0] for line in hourly] == [
        "waiting 1 h",
        "waiting 2 h",
    ]


def test_a_poke_logs_the_same_line(run_uri, capsys, caplog):
    """Whoever waits in a worker reads what one who is deferred does."""
    sensor = OpenAIBatchSensor(task_id="wait", run_uri=run_uri, deferrable=False)
    caplog.set_level("INFO")

    assert sensor.poke(CONTEXT) is False
    seconds = sensor._get_next_poke_interval(0, lambda: 0, 1)

    assert [line.split("; ")[3] for line in lines_of(capsys, caplog)] == [f"next look in {seconds:.0f} s"]


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


def refuse(emulator, times=None):
    """Let the API ask for ten minutes of rest: more than its client would wait by itself."""
    emulator.fault("rate_limit", route="retrieve", retry_after=600, times=times)


def test_the_trigger_starts_after_the_rest(run_uri, openai_batch_emulator):
    """What the worker was told holds for the triggerer, too."""
    refuse(openai_batch_emulator)

    with pytest.raises(TaskDeferred) as deferred:
        OpenAIBatchSensor(task_id="wait", run_uri=run_uri).execute(CONTEXT)

    assert 500 < deferred.value.trigger.first_look <= 600


@pytest.mark.parametrize("mode", ["reschedule", "poke"])
def test_the_next_poke_comes_after_the_rest(run_uri, openai_batch_emulator, mode):
    """It comes no sooner, and after an answer it comes as usual."""
    refuse(openai_batch_emulator, times=1)
    sensor = OpenAIBatchSensor(task_id="wait", run_uri=run_uri, deferrable=False, mode=mode)

    pauses = []
    for _ in range(2):
        assert sensor.poke(CONTEXT) is False
        pauses.append(sensor._get_next_poke_interval(0, lambda: 0, 1))

    assert 500 < pauses[0] <= 600
    assert pauses[1] < 60


def test_a_rest_holds_for_all_triggers_of_a_connection(run_uri, openai_batch_emulator):
    """One is told; none of them looks before the time is over, and each looks after it."""
    openai_batch_emulator.advance(HOURS * 3_600)
    refuse(openai_batch_emulator, times=1)
    with pytest.raises(TaskDeferred) as deferred:
        OpenAIBatchSensor(task_id="wait", run_uri=run_uri).execute(CONTEXT)
    refuse(openai_batch_emulator, times=1)
    kind, kwargs = type(deferred.value.trigger), deferred.value.trigger.serialize()[1]

    async def look_twice() -> list[object]:
        told, other = kind(**kwargs), kind(**kwargs)
        seen = [await told._look_safely(), await other._look_safely()]
        return [*seen, told._until_next_look(1) > 500, other._until_next_look(1) > 500]

    assert asyncio.run(look_twice()) == [None, None, True, True]
    assert asyncio.run(deferred.value.trigger._look_safely()) == "Due"


@pytest.mark.parametrize("times_as_long", [1, 20])
def test_outages_are_ridden_out(run_uri, openai_batch_emulator, times_as_long):
    """Three quarters of an hour or a day of 503: the wait goes on, and ends when the API is back."""
    sensor = OpenAIBatchSensor(task_id="wait", run_uri=run_uri)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(CONTEXT)
    openai_batch_emulator.fault("outage", seconds=2_700 * times_as_long)
    poking = OpenAIBatchSensor(task_id="wait", run_uri=run_uri, deferrable=False)

    seen = []
    for _ in range(2):
        seen += [asyncio.run(deferred.value.trigger._look_safely()), poking.poke(CONTEXT)]
        openai_batch_emulator.advance(1_200 * times_as_long)
    openai_batch_emulator.advance(HOURS * 3_600)

    assert seen == [None, False] * 2
    assert asyncio.run(deferred.value.trigger._look_safely()) == "Due"
    assert sensor.execute_complete(CONTEXT, {})["counts"]["answered"] == 5


def test_a_trigger_does_not_retry_within_a_look(run_uri, openai_batch_emulator):
    """It looks again by itself; meanwhile others take their turn."""
    with pytest.raises(TaskDeferred) as deferred:
        OpenAIBatchSensor(task_id="wait", run_uri=run_uri).execute(CONTEXT)
    openai_batch_emulator.advance(HOURS * 3_600)
    openai_batch_emulator.fault("unavailable", route="retrieve", times=1)

    async def look_twice() -> list[object]:
        return [await deferred.value.trigger._look_safely() for _ in range(2)]

    assert asyncio.run(look_twice()) == [None, "Due"]


def test_a_trigger_wakes_at_its_deadline(run_uri, openai_batch_emulator):
    """Neither a long pause nor a rest makes a time-out late; past it, nothing spins."""
    trigger = OpenAIBatchSensor(task_id="wait", run_uri=run_uri, timeout=3_600)

    with pytest.raises(TaskDeferred) as deferred:
        trigger.execute(CONTEXT)
    trigger = deferred.value.trigger
    looked = asyncio.run(trigger._look_safely())
    early = trigger._until_next_look(10**6)
    openai_batch_emulator.advance(3_610)

    assert looked is None
    assert early == pytest.approx(3_600, abs=60)
    assert asyncio.run(trigger._look_safely()) == "deadline"
    assert trigger._until_next_look(30) == 30


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_late_worker_lands_what_is_there(run_uri, openai_batch_emulator, deferrable):
    """Ten hours in a queue are no time-out: only what is still in flight can time out."""
    sensor = OpenAIBatchSensor(task_id="wait", run_uri=run_uri, timeout=HOURS * 3_600, deferrable=deferrable)
    with pytest.raises(TaskDeferred) if deferrable else nullcontext():
        sensor.execute(CONTEXT) if deferrable else sensor.poke(CONTEXT)
    openai_batch_emulator.advance((HOURS + 10) * 3_600)

    result = sensor.execute_complete(CONTEXT, {}) if deferrable else sensor.poke(CONTEXT).xcom_value

    assert result["counts"]["answered"] == 5
