"""The pipeline killed at its boundaries and retried: the same rows, the same bill, no half table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.crashes.campaign import LOAD, Campaign, Sweep, crash_everywhere, opened_campaign
from tests.crashes.orders import Task
from tests.faults.figures import Figures

if TYPE_CHECKING:
    from collections.abc import Iterator

SENDING = (Task.SUBMIT, Task.WAIT)


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    with opened_campaign() as made:
        yield made


def broken(campaign: Campaign, name: str, sweep: Sweep) -> list[str]:
    points = list(campaign.points(name, sweep))
    assert points
    return [str(point) for point in points if point.broken]


def test_a_kill_before_the_load_costs_nothing_and_loses_nothing(campaign: Campaign) -> None:
    """Wherever submit or wait is killed, the retried run has the rows and the bill of an unkilled one."""
    assert not broken(campaign, "sqlite", Sweep(armed=SENDING, every=9))


def test_a_kill_of_the_load_costs_nothing_and_loses_nothing(campaign: Campaign) -> None:
    """Wherever the load is killed, readers see a whole table, and the retry ends the same."""
    assert not broken(campaign, "sqlite", Sweep(armed=LOAD, every=3))


@pytest.mark.long
@pytest.mark.parametrize("name", ["sqlite", "duckdb", "postgres", "parquet"])
def test_every_boundary(name: str) -> None:
    """No kill at any boundary breaks a law."""
    figures = crash_everywhere([name])

    assert figures == Figures(crash_points_tried=figures.crash_points_tried)
