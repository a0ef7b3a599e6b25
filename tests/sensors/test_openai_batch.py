"""Promises of the sensor that need no API."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
)

from airflow_provider_openai_batch.exceptions import InvalidRequest, RunUnreadable
from airflow_provider_openai_batch.sensors.openai_batch import NEVER, OpenAIBatchSensor


def make_sensor(**changes):
    return OpenAIBatchSensor(task_id="wait", **{"run_uri": "file:///r"} | changes)


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({"deferrable": False}, "reschedule"),
        ({"deferrable": False, "mode": "poke"}, "poke"),
        ({"deferrable": False, "mode": "reschedule"}, "reschedule"),
        ({}, "poke"),
    ],
)
def test_without_a_triggerer_no_slot_is_held(given, mode):
    """`deferrable=False` reschedules unless the user chose how to wait."""
    assert make_sensor(**given).mode == mode


def test_no_limit_unless_one_is_given():
    """The base class gives up after seven days of its own; a run may wait for token budget for longer."""
    assert make_sensor().timeout == make_sensor(timeout=60).timeout == NEVER.total_seconds()


@pytest.mark.parametrize("timeout", ["60", -1, float("nan"), timedelta(days=-1)])
def test_a_time_out_that_is_no_time_is_refused_when_the_dag_is_parsed(timeout):
    """Hours later, the answers would be paid for."""
    with pytest.raises(InvalidRequest, match=r"timeout is .*; give 0 or more seconds, a timedelta, or None"):
        make_sensor(timeout=timeout)


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
@pytest.mark.parametrize(("waited", "pause"), [(0, 30), (299, 30), (1_000, 100), (90_000, 300)])
def test_looks_grow_rare_in_every_mode(mode, waited, pause):
    """From 30 seconds to five minutes, by the time waited so far, and never in step with others."""
    sensor = make_sensor(deferrable=False, mode=mode)

    pauses = {sensor._get_next_poke_interval(0, lambda: waited, 1) for _ in range(9)}

    assert len(pauses) > 1
    assert all(each == pytest.approx(pause, rel=0.1) for each in pauses)


def test_a_long_interval_stays():
    """Who asks for hourly looks gets them."""
    sensor = make_sensor(poke_interval=timedelta(hours=1))

    assert sensor._get_next_poke_interval(0, lambda: 10**6, 1) == pytest.approx(3_600, rel=0.1)


class Ending(OpenAIBatchSensor):
    """A sensor whose looks end in an error."""

    def _wait_deferred(self, context, told=None, *, resumed=False):
        raise context["error"]

    def poke(self, context):
        raise context["error"]


ENDINGS = {
    "time-out": AirflowSensorTimeout("late"),
    "wrong for good": AirflowFailException("no key"),
    "no worker time": AirflowTaskTimeout("worker"),
    "storage": ConnectionResetError("gone"),
}
WAYS = {
    "deferred": {},
    "resumed": {},
    "poke": {"deferrable": False, "mode": "poke"},
    "reschedule": {"deferrable": False},
}


@pytest.mark.usefixtures("airflow_db")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("setting", ["", "soft_fail", "never_fail"])
def test_errors_end_alike_in_every_mode(way, ending, setting):
    """`soft_fail` skips on a time-out, `never_fail` on anything; every other error stays what it is."""
    error = ENDINGS[ending]
    sensor = Ending(task_id="wait", run_uri="file:///r", **WAYS[way], **({setting: True} if setting else {}))
    context = {"error": error, "ti": Reschedules()}
    skips = setting == "never_fail" or (setting == "soft_fail" and ending == "time-out")

    run = partial(sensor.resume_execution, "execute_complete", {}) if way == "resumed" else sensor.execute

    with pytest.raises(AirflowSkipException if skips else type(error), match=str(error)):
        run(context)


class Reschedules:
    """A task instance that was never rescheduled."""

    dag_id = task_id = run_id = "x"
    map_index, max_tries = -1, 0

    def get_first_reschedule_date(self, _):
        return None


def test_an_execution_timeout_cancels_nothing():
    """Airflow calls `on_kill` after one; it is nobody's wish, and the run folder is not even opened."""
    sensor = Ending(task_id="wait", run_uri="file:///nowhere", cancel_on_kill=True)

    with pytest.raises(AirflowTaskTimeout):
        sensor.execute({"error": AirflowTaskTimeout("worker")})
    sensor.on_kill()


def test_on_kill_cancels_at_work():
    """A task that is stopped while it looks opens the run to cancel it."""
    sensor = Ending(task_id="wait", run_uri="file:///nowhere", cancel_on_kill=True)
    sensor._at_work = True

    with pytest.raises(RunUnreadable):
        sensor.on_kill()


@pytest.mark.parametrize("given", [0, 0.2, timedelta(milliseconds=10)])
@pytest.mark.parametrize("deferrable", [True, False])
def test_looks_are_never_without_a_pause(given, deferrable):
    """A pause that is none is lifted to a second: it would take the account's rate limit for itself."""
    assert make_sensor(poke_interval=given, deferrable=deferrable).poke_interval == 1
