"""The queries of the page on the databases that write some of them in another way."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest

from tests.monitoring.nights import FIRST, SECOND, TEAMS, Nights, in_sqlite, two_nights
from tests.monitoring.page import QUERIES, translated


@pytest.mark.parametrize("database", ["mariadb", "sqlite"])
def test_other_databases_show_the_same(database: str, pipeline: Any, request: pytest.FixtureRequest) -> None:
    """With the changes that the page lists, and with nothing else."""
    if database == "sqlite":
        made = Nights(pipeline, "warehouse", partial(in_sqlite, pipeline.folder / "warehouse.db"))
        made.execute("drop table tickets")
    else:
        server = request.getfixturevalue("mariadb")
        made = Nights(pipeline, server.conn_id, server.execute)
    two_nights(made)
    paid = [loaded.cost_usd for loaded in made.loads]
    made.fill([40])

    shown = {
        name: made.execute(translated(query, 1 if database == "mariadb" else 2))
        for name, query in QUERIES.items() if "batch_runs" not in query
    }  # fmt: skip

    assert [row[2] for row in shown["cost by night"]] == pytest.approx(paid)
    assert {row[0]: row[2] for row in shown["cost by DAG"]} == pytest.approx(
        dict(zip(("label_tickets", "label_more"), paid, strict=True))
    )
    assert {row[0]: row[2] for row in shown["cost by run"]} == pytest.approx(
        dict(zip((FIRST, SECOND), paid, strict=True))
    )
    assert math.fsum(row[3] for row in shown["cost by team"]) == pytest.approx(math.fsum(paid))
    assert len({str(row[0]) for row in shown["cost by team"]}) <= 2
    assert {row[1] for row in shown["cost by team"]} == set(TEAMS)
    assert math.fsum(row[3] for row in shown["cost by prompt and model"]) == pytest.approx(math.fsum(paid))
    bill = shown["chargeback"]
    assert math.fsum(row[5] for row in bill) == pytest.approx(math.fsum(paid))
    assert {row[1] for row in bill} == {"label_tickets", "label_more"}
    failed = made.loads[1].counts["error"]
    assert bool(shown["check of spending"][0][0])
    assert bool(shown["check of failures"][0][0]) == (failed / 40 < 0.1)
    assert [row[3] for row in shown["failures by night"]] == [failed]
    assert sum(row[2] for row in shown["top messages"]) == failed == len(shown["rows to look at"])
    shares = {(str(row[0]), row[1]): float(row[3]) for row in shown["labels by night"]}
    nights = sorted({night for night, _ in shares})
    assert {row[0]: (float(row[1]), float(row[2])) for row in shown["latest labels"]} == {
        label: pytest.approx((shares.get((nights[1], label), 0), shares.get((nights[0], label), 0)))
        for label in {label for _, label in shares}
    }
    assert shown["rows to be asked"] == [("new", 1)]
    assert shown["check of freshness"] == [(1,)]
    assert None not in shown["freshness"][0]
