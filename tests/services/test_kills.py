"""SIGKILL at a real Airflow: the run ends in the same table and the same ledger, by retries alone."""

from __future__ import annotations

import signal

import pytest

pytestmark = pytest.mark.long

PLACES = {
    "undisturbed": {},
    "submitted": {"submit": 2},
    "deferring": {"wait": 2},
    "resuming": {"wait": 2},
    "answered": {"wait": 2},
    "landed": {"load": 2},
}
ONCE = {"submit": 1, "wait": 1, "load": 1}


@pytest.fixture(scope="module")
def killed(airflow):
    """Run a case for each place at which a task's process dies, all at once."""
    airflow.trigger("lost", *PLACES)
    airflow.wait_until_deferred(*PLACES)
    airflow.complete()
    airflow.ended(*PLACES)
    return airflow


def assert_nothing_shows(deployment, case):
    """The case's table and ledger are those of the run that nothing happened to; its files are gone."""
    assert deployment.table(case) == deployment.table("undisturbed")
    assert deployment.ledger(case) == deployment.ledger("undisturbed")
    assert deployment.batches(case) == ["completed"]
    assert deployment.files(case) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_killed_task_is_retried_for_free(killed, place):
    """A worker dies before, between, or after the calls: one retry of that task, and nothing else shows."""
    assert killed.ended(place) == ["success"]
    assert killed.tries(place) == ONCE | PLACES[place]
    assert [row["batch_status"] for row in killed.table(place)] == ["ok"] * 4
    assert [times for *_, times in killed.ledger(place)] == [1] * 4
    assert_nothing_shows(killed, place)


def test_a_triggerer_may_go_at_any_time(killed):
    """Redeployed, then killed while it polls: the next one goes on, and nothing is cancelled or retried."""
    killed.trigger("redeployed")
    killed.wait_until_deferred("redeployed")
    for how in [signal.SIGTERM, signal.SIGKILL]:
        wait_for_a_look(killed)
        killed.kill("triggerer", how)
        killed.starts("triggerer")
    wait_for_a_look(killed)
    assert killed.state("redeployed") == ("deferred", 1)
    killed.complete()

    assert killed.ended("redeployed") == ["success"]
    assert killed.tries("redeployed") == ONCE
    assert killed.facts("redeployed", "cancel-*.json") == []
    assert_nothing_shows(killed, "redeployed")


def wait_for_a_look(deployment):
    """Wait until somebody, who can only be the triggerer, asks the API for a batch."""
    deployment.emulator.clear_faults()
    # It strikes at once, and so does nothing but count.
    deployment.emulator.fault("slow_answer", hold=0, route="retrieve")
    deployment.wait("nobody looks", lambda: deployment.emulator._call("GET", "/faults")["data"][0]["used"])


def test_a_scheduler_may_go_while_the_task_waits(killed):
    """The batch ends while there is no scheduler: the next one goes on without a retry."""
    killed.trigger("unscheduled")
    killed.wait_until_deferred("unscheduled")
    killed.kill("scheduler")
    killed.complete()
    killed.wait("the trigger has not fired", lambda: not killed.is_deferred("unscheduled"))
    killed.starts("scheduler")

    assert killed.ended("unscheduled") == ["success"]
    assert killed.tries("unscheduled") == ONCE
    assert_nothing_shows(killed, "unscheduled")


def test_a_worker_may_be_lost(killed):
    """Nobody tells that the task is dead: Airflow misses its heartbeat, and the retry finds the batch."""
    assert killed.ended("lost") == ["success"]
    assert killed.tries("lost") == ONCE | {"submit": 2}
    assert_nothing_shows(killed, "lost")
    assert [killed.files(place) for place in PLACES] == [[]] * len(PLACES)
