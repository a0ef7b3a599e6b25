"""A month of days by `airflow backfill create`: each day its partition, within the account's queue."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import psycopg
import pytest

from tests.services.composed import NAMES, ROOT, Composed
from tests.services.stack import lent

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(version("apache-airflow").startswith("2."), reason="Airflow 2 backfills otherwise"),
]

DAG_ID, DAYS, LINES = "backfill_days", 30, 600
LOGS = sorted((ROOT.parent / "shared/data").glob("loghub_*.log"))
#: Input tokens that may be enqueued: those of four days, as we estimate them, and as the API counts them.
BUDGET, QUEUE = 5_500, 16_000
#: Seconds for 120 processes of tasks; two busy cores take twelve minutes.
PATIENCE = 1_500
#: The rows that landed; the run is that of their day.
LABELLED = """
    select day, line_no, label, batch_status, pg_typeof(day)::text, replace(batch_run_id, day::text, 'DAY')
    from daily_log_labels order by 1, 2
"""
RUN = "backfill_days/read.submit/backfill__DAYT00:00:00+00:00"


def lines() -> list[str]:
    """Return lines of real logs, or made ones where these are not at hand."""
    real = [line for path in LOGS for line in path.read_text(errors="replace").splitlines()[: LINES // 4]]
    return real or [f"sshd[{n}]: Failed password for invalid user no{n}" for n in range(LINES)]


@pytest.fixture
def month() -> Iterator[Composed]:
    """Start Airflow with a month of logs, and an API whose queue takes a few days of them."""
    with lent(Composed) as stack:
        stack.patience = PATIENCE
        stack.set_up()
        connection = json.loads(stack.environment["AIRFLOW_CONN_OPENAI_DEFAULT"])
        connection["extra"]["token_budgets"] = {"gpt-5-nano": BUDGET}
        stack.environment["AIRFLOW_CONN_OPENAI_DEFAULT"] = json.dumps(connection)
        more = [f"--queue-tokens={QUEUE}", "--fail-ratio=0", "--seconds-to-complete=20"]
        for name in NAMES:
            stack.start(name, [*stack.command(name), *(more if name == "emulator" else [])])
        with warehouse(stack) as connected:
            connected.execute("create table daily_logs (day date, line_no bigint, line text)")
            with connected.cursor() as cursor:
                rows = [(f"2026-06-{n % DAYS + 1:02}", n, line) for n, line in enumerate(lines())]
                cursor.executemany("insert into daily_logs values (%s, %s, %s)", rows)
        stack.wait("not healthy", stack.is_healthy)
        yield stack


def warehouse(stack: Composed, database: str = "warehouse") -> psycopg.Connection[Any]:
    return psycopg.connect(host=str(stack.socket), user="postgres", dbname=database, autocommit=True)


def batches(stack: Composed) -> list[dict[str, Any]]:
    """Return all batches as the emulator has them."""
    asked = Request(f"{stack.emulator}/admin/batches", headers={"Authorization": "Bearer no-key"})
    with urlopen(asked) as answer:
        return list(json.load(answer)["data"])


def most_enqueued(made: list[dict[str, Any]]) -> tuple[int, int]:
    """Return the most tokens that were in the queue at a moment: as we had estimated, and as the API counts.

    The API has refused the others before they were in it.
    """
    ran = [batch for batch in made if batch["in_progress_at"] is not None]
    together = [
        [one for one in ran if one["in_progress_at"] <= batch["in_progress_at"] < one["completed_at"]]
        for batch in ran
    ]
    return (
        max(sum(int(one["metadata"]["tokens"]) for one in alive) for alive in together),
        max(sum(one["enqueued_tokens"] for one in alive) for alive in together),
    )


def test_a_month_of_days(month: Composed) -> None:
    """Ten days run together over a queue that takes four: each has its rows, once, and none fails of it."""
    month.wait("no DAG", lambda: month.call("PATCH", f"/api/v2/dags/{DAG_ID}", {"is_paused": False}))
    days = ["--from-date", "2026-06-01", "--to-date", f"2026-06-{DAYS}", "--max-active-runs", "10"]

    month.run(month.airflow("backfill", "create", "--dag-id", DAG_ID, *days))

    def states() -> list[str]:
        asked = "select state from dag_run where run_type = 'backfill'"
        with warehouse(month, "airflow") as connected:
            return [row[0] for row in connected.execute(asked).fetchall()]

    def ended() -> bool:
        return len(states()) == DAYS and set(states()) <= {"success", "failed"}

    month.wait("the days have not ended", ended)
    assert states() == ["success"] * DAYS
    with warehouse(month) as connected:
        found = connected.execute(LABELLED).fetchall()
        asked = connected.execute("select day, line_no from daily_logs order by 1, 2").fetchall()
        texts = connected.execute("select count(distinct (day, line)) from daily_logs").fetchone()
    assert [row[:2] for row in found] == asked
    assert {row[2] for row in found} <= {"yes", "no", "unclear"}
    assert {row[3:] for row in found} == {("ok", "date", RUN)}
    made = batches(month)
    assert sum(batch["request_counts"]["completed"] for batch in made) == texts[0]
    assert {batch["status"] for batch in made} <= {"completed", "failed"}
    estimated, counted = most_enqueued(made)
    assert BUDGET / 2 < estimated <= BUDGET
    assert QUEUE / 2 < counted <= QUEUE
