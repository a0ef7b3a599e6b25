"""The pipeline killed at its boundaries and retried: the same rows, the same bill, no half table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.crashes.campaign import LOAD, SENDING, WAIT, Campaign, crash_everywhere, opened_campaign
from tests.crashes.scenario import Strike, Sweep
from tests.crashes.stories import CAPPED, CROWDED, PREFLIGHT
from tests.laws.figures import Figures

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITE, AT_ONCE = "tables/", "/chat/completions"


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    with opened_campaign() as made:
        yield made


def broken(campaign: Campaign, name: str, sweep: Sweep) -> list[str]:
    points = list(campaign.points(name, sweep))
    assert points
    return [str(point) for point in points if point.broken]


@pytest.mark.parametrize(
    "sweep",
    [
        pytest.param(Sweep(armed=SENDING, every=50), id="several shards"),
        pytest.param(Sweep(armed=SENDING, story=PREFLIGHT, only=AT_ONCE), id="one asked at once"),
        pytest.param(Sweep(armed=WAIT, every=37, story=CAPPED), id="over the cap"),
        pytest.param(Sweep(armed=WAIT, every=60, story=CROWDED), id="all asked again"),
    ],
)
def test_a_kill_before_the_load_costs_nothing_and_loses_nothing(campaign: Campaign, sweep: Sweep) -> None:
    """Wherever submit or wait is killed, the retried run has the rows and the bill of an unkilled one.

    Only what was asked at once may run once more, in a batch, when nobody has heard its answer.
    """
    assert not broken(campaign, "sqlite", sweep)


def test_a_clear_after_a_kill_keeps_what_was_answered(campaign: Campaign) -> None:
    """A person who clears submit instead of waiting for the retry pays for nothing again."""
    sweep = Sweep(strike=Strike.CLEARED, armed=SENDING, every=80, story=PREFLIGHT, mode="append")

    assert not broken(campaign, "sqlite", sweep)


def test_a_kill_of_the_load_costs_nothing_and_loses_nothing(campaign: Campaign) -> None:
    """Wherever the load is killed, readers see a whole table, and the retry ends the same."""
    assert not broken(campaign, "sqlite", Sweep(armed=LOAD, every=11))


@pytest.mark.parametrize("name", ["duckdb", "postgres", "mariadb", "parquet"])
def test_a_kill_of_the_write_leaves_a_whole_table(campaign: Campaign, name: str) -> None:
    """Wherever the write into the target is killed, readers see the old table or the whole new one."""
    mode = "append" if name == "parquet" else "merge"

    assert not broken(campaign, name, Sweep(armed=LOAD, mode=mode, only=WRITE, every=10))


def test_a_load_stops_when_the_rows_are_staged_anew(campaign: Campaign) -> None:
    """A load that stands still while submit is cleared stops and writes nothing."""
    assert not broken(campaign, "sqlite", Sweep(armed=LOAD, strike=Strike.OUTDATED, only=WRITE, every=8))


def test_a_process_that_comes_back_after_its_retry_changes_nothing(campaign: Campaign) -> None:
    """A process that stood still while its retry ran to the end neither pays again nor spoils the table."""
    assert not broken(campaign, "parquet", Sweep(strike=Strike.LEFT_STANDING, mode="append", every=40))


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["sqlite", "duckdb", "postgres", "postgres by psycopg", "mariadb", "parquet"]
)
def test_every_boundary(name: str) -> None:
    """No kill at any boundary breaks a law."""
    figures = crash_everywhere([name])

    assert figures == Figures(crash_points_tried=figures.crash_points_tried)
