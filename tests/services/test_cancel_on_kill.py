"""A person stops a deferred wait: its batches are cancelled if that was asked for, and only then."""

from __future__ import annotations

import pytest

from tests.services.deployment import ROWS

pytestmark = pytest.mark.long

FAILED = ["failed_cancelling", "failed_leaving"]
CLEARED = ["cleared_cancelling", "cleared_leaving"]


@pytest.fixture(scope="module")
def stopped(airflow):
    """Mark two waits as failed and clear two others while their batches run."""
    airflow.trigger(*FAILED, *CLEARED)
    airflow.wait_until_deferred(*FAILED, *CLEARED)
    for case in FAILED:
        airflow.mark_failed(case, "wait")
    for case in CLEARED:
        airflow.clear(case, "wait")
    for case in [FAILED[0], CLEARED[0]]:
        airflow.wait(f"{case} runs", lambda case=case: airflow.batches(case) == ["cancelling"])
    airflow.ended(*FAILED)
    airflow.wait_until_deferred(*CLEARED)
    return airflow


def cancels(deployment, case):
    """Count the calls of cancel; each is written down before it is made."""
    return len(deployment.facts(case, "cancel-*.json"))


def is_each_executed_once(deployment, case):
    return [times for *_, times in deployment.ledger(case)] == [1] * ROWS


def test_marked_as_failed(stopped):
    """One call cancels the batch; without `cancel_on_kill` nobody calls, and the batch goes on."""
    stopped.complete()

    assert [cancels(stopped, case) for case in FAILED] == [1, 0]
    assert [stopped.batches(case) for case in FAILED] == [["cancelled"], ["completed"]]
    assert stopped.ledger(FAILED[0]) == []


def test_cleared(stopped):
    """One call cancels the batch, and what it had not run goes again; else the same batch is awaited."""
    stopped.complete()
    stopped.wait("not sent again", lambda: len(stopped.batches(CLEARED[0])) == 2)
    stopped.complete()

    assert stopped.ended(*CLEARED) == ["success"] * 2
    assert [cancels(stopped, case) for case in CLEARED] == [1, 0]
    assert [stopped.batches(case) for case in CLEARED] == [["cancelled", "completed"], ["completed"]]
    assert all(is_each_executed_once(stopped, case) for case in CLEARED)
    assert all(len(stopped.table(case)) == ROWS for case in CLEARED)


def test_a_failed_wait_can_go_on(stopped):
    """A clear of what was marked as failed lands the batch that went on meanwhile."""
    stopped.complete()
    stopped.clear(FAILED[1], "wait", "load")

    assert stopped.ended(FAILED[1]) == ["success"]
    assert stopped.batches(FAILED[1]) == ["completed"]
    assert is_each_executed_once(stopped, FAILED[1])
    assert len(stopped.table(FAILED[1])) == ROWS
