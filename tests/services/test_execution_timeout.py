"""An `execution_timeout` that is shorter than the batch: it may cost tries, never a request."""

from __future__ import annotations

import pytest

from tests.services.deployment import ROWS

pytestmark = pytest.mark.long

DEFERRED, RESCHEDULED = CASES = ["limited_deferred", "limited_rescheduled"]
ONCE = {"submit": 1, "wait": 1, "load": 1}
BEYOND = "interval '40 seconds'"  # the limit is 30


@pytest.fixture(scope="module")
def late(airflow):
    """Let both waits take longer than they may, then let the batches end."""
    airflow.trigger(*CASES)
    for case in CASES:
        airflow.wait(f"{case} is in time", lambda case=case: is_beyond(airflow, case))
    assert airflow.state(DEFERRED) == ("deferred", 1)
    airflow.complete()
    airflow.ended(*CASES)
    return airflow


@pytest.fixture(scope="module")
def late_2(airflow_2):
    """Do the same on Airflow 2.11, until the deferred wait has failed."""
    airflow_2.trigger_by_command(*CASES)
    airflow_2.wait("no try has failed", lambda: airflow_2.state(DEFERRED)[1] > 1)
    airflow_2.wait("rescheduled", lambda: is_beyond(airflow_2, RESCHEDULED))
    airflow_2.complete()
    airflow_2.ended(*CASES)
    return airflow_2


def is_beyond(deployment, case):
    """Tell whether the wait has taken longer than its limit; a rescheduled task starts anew each time."""
    task, moment = ("wait", "start_date") if case == DEFERRED else ("submit", "end_date")
    asked = f"select {moment} < now() - {BEYOND} from task_instance where dag_id = %s and task_id = %s"
    found = deployment.query(asked, case, task, database="airflow")
    return bool(found and found[0][0])


def assert_paid_once(deployment, case):
    """One batch was made, each request was executed once, and every row is in the table."""
    assert deployment.ended(case) == ["success"]
    assert deployment.batches(case) == ["completed"]
    assert [times for *_, times in deployment.ledger(case)] == [1] * ROWS
    assert [row["batch_status"] for row in deployment.table(case)] == ["ok"] * ROWS


@pytest.mark.parametrize("case", CASES)
def test_airflow_3_counts_each_execution(late, case):
    """The wait in between does not count: the task goes on with its first try."""
    assert late.tries(case) == ONCE
    assert_paid_once(late, case)


def test_airflow_2_counts_the_deferral(late_2):
    """The try fails although nothing is wrong; the next one finds the same batch."""
    tries = late_2.tries(DEFERRED)

    assert tries.pop("wait") > 1
    assert tries == {"submit": 1, "load": 1}
    assert_paid_once(late_2, DEFERRED)


def test_airflow_2_counts_each_look(late_2):
    """A rescheduled sensor goes on with its first try."""
    assert late_2.tries(RESCHEDULED) == ONCE
    assert_paid_once(late_2, RESCHEDULED)
