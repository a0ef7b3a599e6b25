"""Promises of the trigger that need no API."""

from __future__ import annotations

import asyncio
import gc

from airflow_provider_openai_batch.triggers.openai_batch import (
    OpenAIBatchCancellingTrigger,
    OpenAIBatchRunTrigger,
)

KWARGS = {
    "run_uri": "file:///nowhere/r",
    "openai_conn_id": "openai_default",
    "poke_interval": 30.0,
    "max_interval": 300.0,
    "first_look": 0.0,
    "deadline": None,
}


async def events(trigger):
    return [event.payload async for event in trigger.run()]


def test_stored_form_never_changes():
    """Triggers of the version before are still in the database when a new one is installed."""
    path = "airflow_provider_openai_batch.triggers.openai_batch"

    assert OpenAIBatchRunTrigger(**KWARGS).serialize() == (f"{path}.OpenAIBatchRunTrigger", KWARGS)
    assert OpenAIBatchCancellingTrigger(**KWARGS).serialize() == (
        f"{path}.OpenAIBatchCancellingTrigger",
        KWARGS,
    )


def test_a_missing_connection_is_one_event_not_an_error(airflow_db):
    """The task that wakes up says what is wrong; a trigger that raises hides it."""
    trigger = OpenAIBatchRunTrigger(**KWARGS | {"openai_conn_id": "nowhere"})

    assert asyncio.run(events(trigger)) == [{"run_uri": KWARGS["run_uri"], "reason": "InvalidRequest"}]


def test_a_defect_is_not_waited_out(connection):
    """A worker shows it; a trigger that looks again for ever would hide it."""
    connection("openai_default", conn_type="openai_batch", password="sk", host="http://127.0.0.1:9/v1")
    trigger = OpenAIBatchRunTrigger(**KWARGS | {"run_uri": None})

    assert [event["reason"] for event in asyncio.run(events(trigger))] == ["TypeError"]


def test_what_was_loaded_is_not_gone_through_again(connection):
    """For each few thousand runs the collector of cycles would hold up all triggers, to search Airflow."""
    connection("openai_default", conn_type="openai_batch", password="sk", host="http://127.0.0.1:9/v1")

    asyncio.run(events(OpenAIBatchRunTrigger(**KWARGS | {"run_uri": None})))

    assert gc.get_freeze_count() > 0


async def objects_of_each(count):
    """Let so many triggers wait, and count the objects that the collector would go through for each."""
    gc.collect()
    before = len(gc.get_objects())
    waiting = [
        asyncio.create_task(events(OpenAIBatchRunTrigger(**KWARGS | {"first_look": 3_600.0})))
        for _ in range(count)
    ]
    await asyncio.sleep(0)
    gc.collect()
    objects = len(gc.get_objects()) - before
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return objects / count


def test_a_run_that_waits_holds_few_objects():
    """A task, its coroutines, and a timer; the longer the collector takes, the longer it holds up others."""
    assert asyncio.run(objects_of_each(200)) < 17
