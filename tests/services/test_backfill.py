"""A month of days by `airflow backfill create`: each day its partition, within the account's queue."""

from __future__ import annotations

import json
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import psycopg
import pytest

from tests.servers import start_postgres
from tests.services.composed import NAMES, ROOT, Composed

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(version("apache-airflow").startswith("2."), reason="Airflow 2 backfills otherwise"),
]

DAG_ID, DAYS, LINES = "backfill_days", 30, 600
LOGS = sorted((ROOT.parent / "shared/data").glob("loghub_*.log"))
#: Input tokens that may be enqueued: those of about four days.
BUDGET = 8_000


def lines() -> list[str]:
    """Return lines of real logs, or made ones where these are not at hand."""
    real = [line for path in LOGS for line in path.read_text(errors="replace").splitlines()[: LINES // 4]]
    return real or [f"sshd[{n}]: Failed password for invalid user no{n}" for n in range(LINES)]


@pytest.fixture
def month() -> Iterator[Composed]:
    """Start Airflow with a month of logs, and an API whose queue takes a few days of them."""
    # Not pytest's own folder: a later session of it takes the rights away that the server needs.
    folder = Path(tempfile.mkdtemp(prefix="services-"))
    server = start_postgres(folder / "postgres")
    stack = Composed(folder, server)
    try:
        stack.set_up()
        connection = json.loads(stack.environment["AIRFLOW_CONN_OPENAI_DEFAULT"])
        connection["extra"]["token_budgets"] = {"gpt-5-nano": BUDGET}
        stack.environment["AIRFLOW_CONN_OPENAI_DEFAULT"] = json.dumps(connection)
        more = [f"--queue-tokens={BUDGET}", "--fail-ratio=0", "--seconds-to-complete=5"]
        for name in NAMES:
            stack.start(name, [*stack.command(name), *(more if name == "emulator" else [])])
        with warehouse(stack) as connected:
            connected.execute("create table daily_logs (day date, line_no bigint, line text)")
            with connected.cursor() as cursor:
                rows = [(f"2026-06-{n % DAYS + 1:02}", n, line) for n, line in enumerate(lines())]
                cursor.executemany("insert into daily_logs values (%s, %s, %s)", rows)
        stack.wait("not healthy", stack.is_healthy)
        yield stack
    finally:
        stack.stop()
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def warehouse(stack: Composed, database: str = "warehouse") -> psycopg.Connection[Any]:
    return psycopg.connect(host=str(stack.socket), user="postgres", dbname=database, autocommit=True)


def batches(stack: Composed) -> list[dict[str, Any]]:
    """Return all batches as the emulator has them."""
    asked = Request(f"{stack.emulator}/admin/batches", headers={"Authorization": "Bearer no-key"})
    with urlopen(asked) as answer:
        return list(json.load(answer)["data"])


def most_enqueued(made: list[dict[str, Any]]) -> int:
    """Count the tokens of the batches that were alive at one moment; those that were refused never were."""
    ran = [batch for batch in made if batch["status"] == "completed"]
    return max(
        sum(
            int(other["metadata"]["tokens"])
            for other in ran
            if other["created_at"] <= batch["created_at"] < other["completed_at"]
        )
        for batch in ran
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
        found = connected.execute(
            "select day, count(*), count(distinct line_no), bool_and(batch_status = 'ok'),"
            " pg_typeof(day)::text from daily_log_labels group by 1, 5 order by 1"
        ).fetchall()
        texts = connected.execute("select count(distinct (day, line)) from daily_logs").fetchone()
    share = len(lines()) // DAYS
    assert [(str(row[0]), *row[1:]) for row in found] == [
        (f"2026-06-{day:02}", share, share, True, "date") for day in range(1, DAYS + 1)
    ]
    made = batches(month)
    assert sum(batch["request_counts"]["completed"] for batch in made) == texts[0]
    assert most_enqueued(made) <= BUDGET
