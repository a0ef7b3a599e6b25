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


@MODES
@pytest.mark.parametrize("soft_fail", [False, True])
def test_a_time_out_cancels_where_that_is_asked_for(
    run_group, warehouse, openai_batch_emulator, mode, soft_fail
):
    """With `cancel_on_timeout` each batch is asked to stop, once, and the task ends as without it."""
    warehouse.fill(4)
    openai_batch_emulator.take(80_000)

    ran = run_group(
        limits={"requests_per_shard": 2},
        wait=mode | {"timeout": 2, "cancel_on_timeout": True, "soft_fail": soft_fail, "retries": 3},
    )

    assert (ran.states["wait"], ran.tries["wait"]) == ("skipped" if soft_fail else "failed", 1)
    assert [batch["cancelling_at"] is None for batch in openai_batch_emulator.batches()] == [False, False]


@pytest.mark.parametrize(("option", "is_told"), [(None, True), ("True", True), ("False", False)])
def test_metadata_say_whose_a_batch_is_unless_told_not_to(
    run_group, warehouse, openai_batch_emulator, monkeypatch, option, is_told
):
    """`[openai_batch] metadata = False` keeps Airflow's names from the API; what finds the run stays."""
    if option:
        monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__METADATA", option)
    warehouse.fill(3)
    openai_batch_emulator.take(0)

    ran = run_group(wait=DEFERRED)

    (batch,) = openai_batch_emulator.batches()
    told = {name: batch["metadata"].get(name) for name in ("dag_id", "task_id", "run_id")}
    assert (told["dag_id"], told["task_id"]) == ((ran.dag_id, "g.submit") if is_told else (None, None))
    assert bool(told["run_id"]) is is_told
    assert {"run", "shard", "model", "tokens"} <= batch["metadata"].keys()
    assert ran.states["load"] == "success"
