"""Three days by `airflow dags backfill` of Airflow 2.11: each day its partition."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.services.deployment import BATCH_SECONDS, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services.deployment import Deployment

pytestmark = pytest.mark.long

DAG_ID, DAYS, LINES = "backfill_days", ("2026-01-05", "2026-01-06", "2026-01-07"), 4
LOGS = """
    create table daily_logs as
    select day::date as day, row_number() over () as line_no, 'Failed password ' || n || ' of ' || day as line
    from generate_series(date '2026-01-04', date '2026-01-08', '1 day') day, generate_series(1, %s) n
"""


@pytest.fixture
def days(airflow_2: Deployment) -> Iterator[Deployment]:
    """Put the example into the DAGs folder, beside a table with a day more on either side."""
    airflow_2.query(LOGS, LINES)
    airflow_2.emulator.take(0)
    shutil.copyfile(ROOT / f"example_dags/{DAG_ID}.py", airflow_2.folder / f"dags/{DAG_ID}.py")
    yield airflow_2
    airflow_2.emulator.take(BATCH_SECONDS)


def test_each_day_replaces_its_partition(days: Deployment) -> None:
    """The command ends when all have landed; `ds` is the day itself, and no other day is asked."""
    command = ["dags", "backfill", "--start-date", DAYS[0], "--end-date", DAYS[-1], DAG_ID]

    days.run(days.airflow(*command))

    runs = "select run_type, state from dag_run where dag_id = %s and run_type = 'backfill'"
    assert days.query(runs, DAG_ID, database="airflow") == [("backfill", "success")] * len(DAYS)
    asked = "select day::text, line_no from daily_logs where day::text = any(%s) order by 1, 2"
    landed = "select day::text, line_no, batch_status from daily_log_labels order by 1, 2"
    wanted = days.query(asked, list(DAYS))
    assert days.query(landed) == [(*row, "ok") for row in wanted]
    assert len(wanted) == LINES * len(DAYS)
    assert [entry.times for entry in days.emulator.ledger] == [1] * len(wanted)
