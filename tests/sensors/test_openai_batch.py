"""Promises of the sensor that need no API."""

from __future__ import annotations

from datetime import timedelta

import pytest

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
    """The base class gives up after seven days of its own; a run may be held back for longer."""
    assert make_sensor().timeout == make_sensor(timeout=60).timeout == NEVER.total_seconds()


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
