"""The README's DAG in a real Airflow: its schedule, a person, and an asset start runs of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.services.deployment import BATCH_SECONDS, ENDED, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.services.deployment import Deployment

pytestmark = pytest.mark.long

DAG_ID = "label_tickets"
ASSET = "the_tickets"
TICKETS = """
create table tickets (id bigint primary key, day date, subject text, body text)
"""


def readme_dag(changes: Mapping[str, str]) -> str:
    """Return the first DAG that a user copies, with some words of it changed."""
    (text,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return str(text)


@pytest.fixture(scope="module")
def labelling(airflow: Deployment) -> Iterator[Deployment]:
    """Put the README's DAG into the DAGs folder, beside a table of tickets; batches end at once."""
    airflow.query(TICKETS)
    airflow.emulator.take(0)
    add_tickets(airflow, 4)
    (airflow.folder / "dags/label_tickets.py").write_text(readme_dag({}))
    end_of(airflow, DAG_ID, "scheduled")
    yield airflow
    airflow.emulator.take(BATCH_SECONDS)


def add_tickets(airflow: Deployment, count: int) -> None:
    """Add tickets of today."""
    last = airflow.query("select coalesce(max(id), 0) from tickets")[0][0]
    row = "n, current_date, 'Late', 'Where is it? ' || n"
    airflow.query(
        f"insert into tickets select {row} from generate_series(%s::int, %s::int) n", last + 1, last + count
    )


def end_of(airflow: Deployment, dag_id: str, run_type: str) -> tuple[str, bool]:
    """Wait until the DAG's run of this type has ended; give its state, and whether it has a logical date."""
    asked = "select state, logical_date is not null from dag_run where dag_id = %s and run_type = %s"

    def ended() -> tuple[str, bool] | None:
        found = airflow.query(asked, dag_id, run_type, database="airflow")
        return found[0] if found and found[0][0] in ENDED else None

    found: tuple[str, bool] = airflow.wait(f"no {run_type} run of {dag_id} has ended", ended)
    return found


def labels(airflow: Deployment) -> list[tuple[int, str]]:
    """Give the tickets that have a label, and the statuses of these."""
    return airflow.query("select id, batch_status from ticket_labels where label is not null order by id")


def all_ok(count: int) -> list[tuple[int, str]]:
    return [(number, "ok") for number in range(1, count + 1)]


def test_the_schedule_starts_it(labelling: Deployment):
    """Its first night labels the tickets of the last week."""
    assert end_of(labelling, DAG_ID, "scheduled") == ("success", True)
    assert labels(labelling)[:4] == all_ok(4)


def test_a_person_triggers_it(labelling: Deployment):
    """`airflow dags trigger` starts a run without a logical date: it labels what is new."""
    add_tickets(labelling, 2)

    labelling.trigger_by_command(DAG_ID)

    assert end_of(labelling, DAG_ID, "manual") == ("success", False)
    assert labels(labelling)[-2:] == all_ok(6)[-2:]


def test_an_asset_triggers_it(labelling: Deployment):
    """Scheduled by an asset, it runs when that was updated, by no date: it labels what is new."""
    scheduled = {
        'schedule="@daily"': f'schedule=[Asset("{ASSET}")]',
        f'"{DAG_ID}"': '"label_by_asset"',
        "sdk import DAG": "sdk import DAG, Asset",
    }
    (labelling.folder / "dags/label_by_asset.py").write_text(readme_dag(scheduled))
    labelling.wait("no DAG", lambda: labelling.call("GET", "/api/v2/dags/label_by_asset"))
    add_tickets(labelling, 1)

    (asset,) = labelling.call("GET", f"/api/v2/assets?name_pattern={ASSET}")["assets"]
    labelling.call("POST", "/api/v2/assets/events", {"asset_id": asset["id"]})

    assert end_of(labelling, "label_by_asset", "asset_triggered") == ("success", False)
    (tickets,) = labelling.query("select count(*) from tickets")[0]
    assert labels(labelling) == all_ok(tickets)
    assert executions(labelling) == [1] * tickets


def executions(airflow: Deployment) -> list[int]:
    """Count how often the API executed each request of the README's model."""
    return [entry.times for entry in airflow.emulator.ledger if entry.body["model"] == "gpt-5-mini"]
