"""What goes wrong is said at once, and what was paid for is kept."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from airflow_provider_openai_batch.triggers.openai_batch import (
    OpenAIBatchCancellingTrigger,
    OpenAIBatchRunTrigger,
)

QUICK = {"poke_interval": 1}
CANARY = "canary-bird-in-a-row"
RETRIED = {"retries": 2, "retry_delay": 0.1}


def test_too_many_failures_come_after_the_rows(run_group, warehouse, openai_batch_emulator, capfd):
    """The rows are in the table with their errors, counts and report in the XCom; the task then fails."""
    warehouse.fill(20)
    openai_batch_emulator.restart(fail_ratio=0.99)

    ran = run_group(wait=QUICK, limits={"max_attempts": 1}, load=RETRIED)

    assert ran.states == {"submit": "success", "wait": "success", "load": "failed"}
    assert ran.tries["load"] == 1
    assert ran.results["load"]["written"] == 20
    assert ran.results["load"]["failed_ratio"] > 0.5
    assert ObjectStoragePath(ran.results["load"]["report_uri"]).read_text().startswith("<!DOCTYPE html>")
    assert ran.results["load"]["report_uri"] in "".join(capfd.readouterr())
    assert warehouse.query("select count(*) from answers") == [(20,)]


def test_a_wrong_key_ends_at_once(run_group, warehouse, openai_batch_emulator, connection):
    """A refused key is not tried again for hours."""
    warehouse.fill(3)
    openai_batch_emulator.restart(api_keys=("sk-right",))

    ran = run_group(submit=RETRIED)

    assert (ran.states["submit"], ran.tries["submit"]) == ("failed", 1)
    assert openai_batch_emulator.batches() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"limits": {"rows": "{{ dag.dag_id }}"}},
        {"source": {"conn_id": "warehouse", "table": "tickets", "key": "nowhere"}},
        {"source": {"conn_id": "nowhere", "table": "tickets", "key": "id"}},
        {"request": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "{subject}"}]}},
        {"request": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "{{ text }}"}]}},
        {"target": {"conn_id": "warehouse", "table": "answers", "columns": {"answer": "id"}}},
        {"openai_conn_id": "nowhere"},
        {"limits": {"max_cost_usd": 0.000001}},
    ],
    ids=["rendered", "column", "conn", "template", "braces", "clash", "openai", "cost"],
)
def test_bad_input_fails_before_anything_is_sent(run_group, warehouse, openai_batch_emulator, changes):
    """No retry, no upload, no batch."""
    warehouse.fill(3)

    ran = run_group(submit=RETRIED, **changes)

    assert (ran.states["submit"], ran.tries["submit"]) == ("failed", 1)
    assert openai_batch_emulator.files() == []


@pytest.mark.parametrize(
    ("on_empty", "state"), [("skip", "skipped"), ("fail", "failed"), ("succeed", "success")]
)
def test_an_empty_source(run_group, warehouse, openai_batch_emulator, on_empty, state):
    """Nothing to ask is what the user says it is."""
    warehouse.fill(0)
    source = {"conn_id": "warehouse", "table": "tickets", "key": "id", "on_empty": on_empty}

    ran = run_group(source=source, wait=QUICK)

    assert ran.states["submit"] == state
    assert ran.states["load"] == (state if state != "failed" else "upstream_failed")
    assert openai_batch_emulator.files() == []


def test_row_text_is_nowhere_in_airflow(run_group, warehouse, openai_batch_emulator, airflow_db, capfd):
    """No log, XCom, rendered field, trigger, or stored DAG holds the text of a row."""
    warehouse.fill(2)
    warehouse.query("insert into tickets values (9, ?)", CANARY + " {{ 7*7 }} {% raw {text} \u2028")

    ran = run_group(wait=QUICK)

    assert ran.states["load"] == "success"
    assert CANARY in json.dumps([execution.body for execution in openai_batch_emulator.ledger])
    dump = "\n".join(map(str, sqlite3.connect(airflow_db).iterdump()))
    assert ran.dag_id in dump
    assert CANARY not in dump
    assert all(CANARY not in path.read_text(errors="replace") for path in airflow_db.parent.rglob("*.log"))
    assert CANARY not in "".join(capfd.readouterr())


async def fire(trigger):
    return [event.payload["reason"] async for event in trigger.run()]


async def fire_after(trigger, change):
    """Let the trigger look for a while, then change something."""
    fired = asyncio.create_task(fire(trigger))
    await asyncio.sleep(0.3)
    assert not fired.done()
    await asyncio.to_thread(change)
    return await asyncio.wait_for(fired, 30)


def test_a_killed_wait_cancels_where_that_was_asked(waiting, openai_batch_emulator):
    """Marking a deferred task cancels its batches if `cancel_on_kill` says so."""
    asyncio.run(OpenAIBatchCancellingTrigger(**waiting).on_kill())

    assert {batch["status"] for batch in openai_batch_emulator.batches()} <= {"cancelling", "cancelled"}


def test_the_trigger_rides_out_an_outage(waiting, openai_batch_emulator):
    """It fires once, when the batch has ended, whatever happened before."""
    openai_batch_emulator.fault("outage", seconds=60)
    reasons = asyncio.run(
        fire_after(OpenAIBatchRunTrigger(**waiting), lambda: openai_batch_emulator.advance(90_000))
    )

    assert reasons == ["Due"]


@pytest.mark.parametrize("fault", [None, "outage"])
def test_the_trigger_ends_at_its_deadline(waiting, openai_batch_emulator, fault):
    """The wait ends on time even when nothing happens and nobody answers."""
    if fault:
        openai_batch_emulator.fault(fault)
    trigger = OpenAIBatchRunTrigger(**waiting | {"deadline": 1.0})

    assert asyncio.run(fire(trigger)) == ["deadline"]


def test_the_trigger_ends_on_a_refused_key(waiting, openai_batch_emulator):
    """Nobody waits a day for a wrong key."""
    reasons = asyncio.run(
        fire_after(OpenAIBatchRunTrigger(**waiting), lambda: openai_batch_emulator.fault("unauthorized"))
    )

    assert reasons == ["denied"]


def test_the_connection_test_lists_models(openai_batch_emulator):
    """A right key is told from a wrong one, and neither is shown."""
    ok, told = OpenAIBatchHook().test_connection()
    openai_batch_emulator.restart(api_keys=("sk-right",))

    url = openai_batch_emulator.base_url
    assert (ok, told.startswith(f"{url} accepts the key and offers ")) == (True, True)
    assert OpenAIBatchHook().test_connection() == (
        False,
        f"{url} does not accept the API key (status 401). Copy it again, without spaces around it.",
    )
