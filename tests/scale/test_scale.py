"""What `make scale` tells of a run that did not keep its promises; the runs themselves take long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.scale.__main__ import Outcome, faults, line
from tests.scale.cluster import Books

BOOKS = Books(rows=10, distinct_rows=10, answered=10, table="t", executed=10, distinct_requests=10)
MODEL = Outcome(run="one", state="success", seconds=60.0, busy={"submit": 4.0}, retries=1, books=BOOKS)


def test_a_run_that_kept_its_promises() -> None:
    """Retries and failed requests are no fault: they are told."""
    assert faults(replace(MODEL, run="two", retries=3), MODEL, 10) == []
    assert line(MODEL) == (
        "one: success after 60 s (submit 4 s; 1 retries); 10 rows, 10 ok, 10 requests executed"
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rows": 9, "distinct_rows": 9}, "the table has 9 rows, 9 of them distinct"),
        ({"distinct_rows": 9}, "the table has 10 rows, 9 of them distinct"),
        ({"table": "u"}, "the table differs from that of one worker"),
        ({"executed": 11}, "11 requests were executed, 10 of them distinct"),
        ({"executed": 9, "distinct_requests": 9}, "9 requests were executed, 9 of them distinct"),
    ],
)
def test_a_broken_promise_is_told(changes: dict[str, object], told: str) -> None:
    """A lost row, a row of two runs, another table, a request that was paid for twice or never asked."""
    found = faults(replace(MODEL, books=replace(BOOKS, **changes)), MODEL, 10)

    assert found == [f"one: {told}"]


def test_a_run_that_failed_is_told() -> None:
    """Whatever its table has."""
    assert faults(replace(MODEL, state="failed"), MODEL, 10) == ["one: it ended as failed"]
