"""A run through Airflow ends alike however it waits."""

from __future__ import annotations

import json

import pytest

DEFERRED = {"poke_interval": 1}
RESCHEDULED = {"poke_interval": 1, "deferrable": False}
POKED = RESCHEDULED | {"mode": "poke"}
MODES = pytest.mark.parametrize(
    "mode", [DEFERRED, RESCHEDULED, POKED], ids=["deferred", "reschedule", "poke"]
)


@MODES
def test_every_row_lands(run_group, warehouse, openai_batch_emulator, mode):
    """A table in, a table out; each task tells what it did in a small plain dict."""
    warehouse.fill(25)
    openai_batch_emulator.take(2)

    ran = run_group(wait=mode)

    assert ran.states == dict.fromkeys(["submit", "wait", "load"], "success")
    assert warehouse.query("select count(*), count(distinct id), sum(batch_status = 'ok') from answers") == [
        (25, 25, 25)
    ]
    assert ran.results["submit"]["rows"] == ran.results["load"]["written"] == 25
    assert ran.results["load"]["counts"] == {"ok": 25}
    assert len({result["run_uri"] for result in ran.results.values()}) == 1
    assert all(len(json.dumps(result)) < 4_096 for result in ran.results.values())


@MODES
@pytest.mark.parametrize("ends", [(False, "failed"), (True, "skipped")])
def test_a_time_out_is_alike_in_every_mode(run_group, warehouse, openai_batch_emulator, mode, ends):
    """The time-out fails the task without a retry, or skips it; nothing is cancelled."""
    soft_fail, state = ends
    warehouse.fill(3)
    openai_batch_emulator.take(80_000)

    ran = run_group(wait=mode | {"timeout": 2, "soft_fail": soft_fail, "retries": 3})

    assert (ran.states["wait"], ran.tries["wait"]) == (state, 1)
    assert [batch["cancelling_at"] for batch in openai_batch_emulator.batches()] == [None]
