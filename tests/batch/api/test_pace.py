"""Transfers that get nowhere are cut, whatever size a file may have; slow ones that get on are not."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch.batch.api.pace import Pace, TooMuch, TooSlow

HOUR = 3_600


def play(most: int, piece: int, pause: float, seconds: float) -> float:
    """Move a piece after each pause, and return the time at which that ends, or is cut."""
    now = 0.0
    pace = Pace(most, lambda: now)
    while now < seconds:
        now += pause
        try:
            pace.take(piece)
        except TooSlow:
            return now
    return now


@pytest.mark.parametrize(("piece", "pause"), [(1, 1), (1 << 16, 50), (1 << 13, 1)])
def test_a_trickle_holds_nobody(piece: int, pause: float):
    """The kind: a bound on time that grows with what a file may have, which may be as good as none."""
    assert play(1 << 34, piece, pause, 24 * HOUR) < HOUR


def test_a_slow_line_gets_its_file():
    """A fifth of a megabit a second moves a file of any size."""
    assert play(1 << 34, 25_000, 1, 10 * HOUR) >= 10 * HOUR


def test_a_pause_is_no_trickle():
    """What had come before counts."""
    assert play(1 << 34, 10 << 20, 59, 2 * HOUR) >= 2 * HOUR


def test_more_than_there_can_be():
    """The last byte that is allowed passes."""
    pace = Pace(10, lambda: 0.0)
    pace.take(10)
    with pytest.raises(TooMuch, match="more than 10 bytes"):
        pace.take(1)
