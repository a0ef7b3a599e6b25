"""What Airflow's own trigger runner does to a waiting run: only a person's wish cancels anything."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest
from airflow.jobs.triggerer_job_runner import TriggerRunner
from airflow.triggers.base import BaseTrigger
from asgiref.sync import sync_to_async

from airflow_provider_openai_batch.triggers.openai_batch import (
    OpenAIBatchCancellingTrigger,
    OpenAIBatchRunTrigger,
)

TELLS_OF_KILLS = hasattr(BaseTrigger, "on_kill")


def begin(trigger):
    """Run a trigger as a triggerer does."""
    if not TELLS_OF_KILLS:
        trigger.task_instance = SimpleNamespace(trigger_timeout=None)
    runner = TriggerRunner()
    runner.triggers[1] = {"name": "waiting", "events": 0, "is_watcher": False}
    runner.triggers[1]["task"] = asyncio.create_task(runner.run_trigger(1, trigger))
    return runner


async def stop(runner, *, by_a_person):
    """Stop it as a shutdown does, or as a person who marks or clears the task."""
    task = runner.triggers[1]["task"]
    if by_a_person:
        runner.to_cancel.append(1)
        await runner.cancel_triggers()
    else:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def watched(kind, waiting):
    """Make a trigger that looks once and tells when it has."""

    class Watched(kind):
        async def _look_safely(self):
            reason = await super()._look_safely()
            self.looked.set()
            return reason

    trigger = Watched(**waiting | {"poke_interval": 3_600, "max_interval": 3_600})
    trigger.looked = asyncio.Event()
    return trigger


def statuses(emulator):
    return {batch["status"] for batch in emulator.batches()}


@pytest.mark.parametrize(
    ("kind", "by_a_person", "cancels"),
    [
        (OpenAIBatchRunTrigger, True, False),
        (OpenAIBatchRunTrigger, False, False),
        (OpenAIBatchCancellingTrigger, True, TELLS_OF_KILLS),
        (OpenAIBatchCancellingTrigger, False, False),
    ],
)
def test_only_a_person_cancels(waiting, openai_batch_emulator, kind, by_a_person, cancels):
    """A shutdown or a restart of the triggerer leaves the batches alone; no event is made up."""

    async def run():
        trigger = watched(kind, waiting)
        runner = begin(trigger)
        await asyncio.wait_for(trigger.looked.wait(), 60)
        await stop(runner, by_a_person=by_a_person)
        return list(runner.events)

    assert asyncio.run(run()) == []
    assert bool(statuses(openai_batch_emulator) & {"cancelling", "cancelled"}) is cancels


def test_a_restart_changes_nothing(waiting, openai_batch_emulator):
    """Started again from what is stored, a trigger fires once, as if nothing had been."""

    async def run():
        trigger = watched(OpenAIBatchRunTrigger, waiting)
        first = begin(trigger)
        await asyncio.wait_for(trigger.looked.wait(), 60)
        await stop(first, by_a_person=False)
        await asyncio.to_thread(openai_batch_emulator.advance, 90_000)
        second = begin(OpenAIBatchRunTrigger(**trigger.serialize()[1]))
        await asyncio.wait_for(second.triggers[1]["task"], 60)
        return len(first.events), len(second.events), second.triggers[1]["events"]

    assert asyncio.run(run()) == (0, 1, 1)


@pytest.mark.skipif(not TELLS_OF_KILLS, reason="this Airflow tells triggers nothing")
def test_a_cancel_outlives_its_call(waiting, openai_batch_emulator):
    """Airflow 3.3 ends `on_kill` after a second, even if no thread was free for it; the work is done."""
    busy = threading.Event()

    async def run():
        trigger = watched(OpenAIBatchCancellingTrigger, waiting)
        runner = begin(trigger)
        await asyncio.wait_for(trigger.looked.wait(), 60)
        other = asyncio.create_task(sync_to_async(busy.wait)())
        runner.to_cancel += [1, 1]
        await runner.cancel_triggers()
        with suppress(asyncio.CancelledError):
            await runner.triggers[1]["task"]
        busy.set()
        await other
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    asyncio.run(run())

    assert statuses(openai_batch_emulator) <= {"cancelling", "cancelled"}
