"""Each query of docs/monitoring.md shows what the runs themselves say."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.monitoring.nights import FIRST, SECOND
from tests.monitoring.page import QUERIES, TEXT

if TYPE_CHECKING:
    from tests.monitoring.nights import Nights


def night_of(row: dict[str, Any]) -> Any:
    return row["batch_snapshot_at"].astimezone(UTC).date()


def test_every_query_has_a_name_and_a_test() -> None:
    """No block of SQL escapes."""
    assert TEXT.count("```sql") == len(QUERIES)

    text = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in QUERIES if f'"{name}"' not in text] == []


def test_costs_are_those_of_the_runs(nights: Nights) -> None:
    """Rows that failed cost nothing, so the rows of a night add up to its load."""
    rows, paid = nights.rows(), [loaded.cost_usd for loaded in nights.loads]

    by_night = nights.ask("cost by night")

    assert [night for night, *_ in by_night] == sorted({night_of(row) for row in rows})
    assert [row[2] for row in by_night] == pytest.approx(paid)
    for night, count, usd, per_thousand, cached, unknown in by_night:
        own = [row for row in rows if night_of(row) == night]
        share = sum(row["batch_cached_tokens"] or 0 for row in own) / sum(
            row["batch_input_tokens"] or 0 for row in own
        )
        assert (count, unknown) == (len(own), 0)
        assert per_thousand == pytest.approx(1000 * usd / count)
        assert float(cached) == pytest.approx(share)
    assert max(row[4] for row in by_night) > 0
    by_run = nights.ask("cost by run")
    assert {row[0]: row[2] for row in by_run} == pytest.approx(dict(zip((FIRST, SECOND), paid, strict=True)))
    assert sum(row[1] for row in by_run) == len(rows)
    by_model = nights.ask("cost by prompt and model")
    assert {row[0] for row in by_model} == {row["batch_prompt_version"] for row in rows}
    counted = Counter(row["batch_model"] for row in rows)
    assert {row[1]: row[2] for row in by_model} == counted
    assert counted[None] == nights.loads[1].counts["error"]
    assert math.fsum(row[3] for row in by_model) == pytest.approx(math.fsum(paid))
    assert all(row[4] == pytest.approx(1000 * row[3] / row[2]) for row in by_model)


def test_unknown_costs_are_counted(nights: Nights) -> None:
    """A sum without them would look like all."""
    nights.execute("update ticket_labels set batch_cost_usd = null where id < 3")

    assert sum(row[5] for row in nights.ask("cost by night")) == 3


def test_failures_are_those_of_the_loads(nights: Nights) -> None:
    """What failed in the first night was answered in the second, and is not there any more."""
    failed = nights.loads[1].counts["error"]

    (by_night,) = nights.ask("failures by night")
    messages = nights.ask("top messages")
    to_look_at = nights.ask("rows to look at")

    wrong = [row for row in nights.rows() if row["batch_status"] != "ok"]
    assert by_night == (night_of(wrong[0]), "error", wrong[0]["batch_error_code"], failed)
    assert sum(row[2] for row in messages) == failed
    for status, message, count, example in messages:
        same = [row for row in wrong if row["batch_error_message"][:80] == message]
        assert (status, count, example) == ("error", len(same), same[0]["id"])
    assert [row[:4] for row in to_look_at] == [
        (row["id"], "error", row["batch_error_code"], row["batch_error_message"]) for row in wrong
    ]


def test_labels_drift(nights: Nights) -> None:
    """Shares of a night add up to one, and a label that is gone is seen."""
    good = [row for row in nights.rows() if row["batch_status"] == "ok"]
    counts: dict[Any, Counter[str]] = defaultdict(Counter)
    for row in good:
        counts[night_of(row)][row["label"]] += 1

    by_night = nights.ask("labels by night")

    assert {(row[0], row[1]): row[2] for row in by_night} == {
        (night, label): count for night, own in counts.items() for label, count in own.items()
    }
    assert all(float(row[3]) == pytest.approx(row[2] / counts[row[0]].total()) for row in by_night)
    before, latest = (counts[night] for night in sorted(counts))
    assert {row[0]: (float(row[1]), float(row[2])) for row in nights.ask("latest labels")} == {
        label: pytest.approx((latest[label] / latest.total(), before[label] / before.total()))
        for label in {*before, *latest}
    }
    nights.execute(f"update ticket_labels set label = 'bug' where batch_run_id = '{SECOND}'")
    assert {row[0]: float(row[1]) for row in nights.ask("latest labels")} == {"bug": 1, "feature": 0}
    for days, found in [(6, True), (1, False)]:
        nights.execute(
            f"update ticket_labels set batch_snapshot_at = batch_snapshot_at - interval '{days}' day "
            f"where batch_run_id = '{FIRST}'"
        )
        assert [row[2] is not None for row in nights.ask("latest labels")] == [found] * (1 + found)


def test_rows_to_be_asked_are_those_that_the_next_night_asks(nights: Nights) -> None:
    """New rows and those that failed for the moment; a person's row and an edited one are not among them."""
    rows = nights.rows()
    assert nights.ask("freshness") == [
        (
            max(row["batch_snapshot_at"] for row in rows),
            max(row["batch_processed_at"] for row in rows if row["batch_processed_at"]),
        )
    ]
    assert nights.ask("check of freshness") == [(True,)]
    assert nights.ask("rows to be asked") == []
    nights.fill(range(42, 45))
    nights.execute("update ticket_labels set batch_status = 'expired' where id in (2, 3)")
    nights.execute("update ticket_labels set batch_status = 'reviewed' where id = 6")

    waiting = nights.ask("rows to be asked")

    assert waiting == [("expired", 2), ("new", 3)]
    assert nights.stage("label_tickets/classify.submit/3").requests == 5
    nights.execute("update tickets set body = 'edited' where id = 7")
    assert nights.ask("rows to be asked") == waiting
    assert nights.stage("label_tickets/classify.submit/4").requests == 6
    early = max(row["batch_snapshot_at"] for row in rows) - timedelta(days=3650)
    nights.execute(f"update ticket_labels set batch_snapshot_at = '{early.isoformat()}'")
    assert nights.ask("check of freshness") == [(False,)]
    nights.execute("delete from ticket_labels")
    assert nights.ask("check of freshness") == [(False,)]


def test_who_pays(nights: Nights) -> None:
    """DAGs pay for their runs; teams share what they ask together, and all is paid for once."""
    paid = [loaded.cost_usd for loaded in nights.loads]
    rows = nights.rows()
    by_request: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_request[row["batch_run_id"], row["batch_custom_id"]].append(row)
    owed: dict[str, float] = defaultdict(float)
    for own in by_request.values():
        for row in own:
            owed[row["team"]] += sum(one["batch_cost_usd"] for one in own) / len(own)

    by_dag = nights.ask("cost by DAG")
    by_team = nights.ask("cost by team")

    assert {row[0]: row[2] for row in by_dag} == pytest.approx(
        dict(zip(("label_tickets", "label_more"), paid, strict=True))
    )
    assert any(len({row["team"] for row in own}) > 1 for own in by_request.values())
    shares: dict[str, float] = defaultdict(float)
    for month, team, _, usd in by_team:
        assert month.day == 1
        shares[team] += usd
    assert shares == pytest.approx(owed)
    assert sum(row[2] for row in by_team) == len(rows)
    assert math.fsum(shares.values()) == pytest.approx(math.fsum(paid))


def test_the_bill_of_a_month(nights: Nights) -> None:
    """Each row is on it once, by DAG and team, and all is paid for once; checks find what is not usual."""
    bill = nights.ask("chargeback")

    assert sum(row[4] for row in bill) == len(nights.rows())
    assert math.fsum(row[5] for row in bill) == pytest.approx(
        math.fsum(load.cost_usd for load in nights.loads)
    )
    assert {row[1] for row in bill} == {"label_tickets", "label_more"}
    by_team: dict[Any, float] = defaultdict(float)
    for _, _, team, _, _, usd, unknown in bill:
        by_team[team] += usd
        assert unknown == 0
    shares: dict[Any, float] = defaultdict(float)
    for _, team, _, usd in nights.ask("cost by team"):
        shares[team] += usd
    assert by_team == pytest.approx(shares)
    assert {row[3] for row in bill} == {row["batch_model"] for row in nights.rows()}
    _check_money_and_failures(nights)


def _check_money_and_failures(nights: Nights) -> None:
    failed = sum(row["batch_status"] != "ok" for row in nights.rows()) / len(nights.rows())
    assert nights.ask("check of spending") == [(True,)]
    nights.execute(f"update ticket_labels set batch_cost_usd = 100 where batch_run_id = '{SECOND}'")
    assert nights.ask("check of spending") == [(False,)]
    now = "update ticket_labels set batch_snapshot_at = current_timestamp"
    nights.execute(now)
    assert nights.ask("check of failures") == [(failed < 0.1,)]
    nights.execute("update ticket_labels set batch_status = 'ok'")
    assert nights.ask("check of failures") == [(True,)]
    nights.execute("update ticket_labels set batch_status = 'invalid' where id < 10")
    assert nights.ask("check of failures") == [(False,)]
    nights.execute("update ticket_labels set batch_cost_usd = null")
    assert sum(row[6] for row in nights.ask("chargeback")) == len(nights.rows())
    nights.execute("delete from ticket_labels")
    assert [nights.ask(f"check of {name}") for name in ("failures", "spending")] == [[(True,)]] * 2


def test_a_merged_table_forgets_what_was_replaced(nights: Nights) -> None:
    """So the page says to record each run: what an edited row cost before is in its run's load only."""
    nights.execute("update tickets set body = 'edited'")
    nights.run("label_tickets/classify.submit/3")

    assert [row[2] for row in nights.ask("cost by night")] == pytest.approx([nights.loads[2].cost_usd])
