"""Numbers, amounts, and times read well, and never say less than there is."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch.batch.report import wording
from airflow_provider_openai_batch.batch.report.wording import NOTHING


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, NOTHING), (0, 5, "0.0%"), (1, 100_000, "<0.1%"), (1, 3, "33.3%"), (99_999, 100_000, ">99.9%"),
        (5, 5, "100.0%"),
    ],
)  # fmt: skip
def test_shares(part: int, whole: int, said: str):
    """One row of a million is not none, and all but one are not all."""
    assert wording.percent(part, whole) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, NOTHING), (-3.0, "0 s"), (0.4, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3_600, "1 h 0 min"),
        (8_055, "2 h 14 min"), (86_400 * 3 + 7_200, "3 d 2 h"),
    ],
)  # fmt: skip
def test_durations(seconds: float | None, said: str):
    """The two largest units are enough."""
    assert wording.duration(seconds) == said


def test_moments():
    """Times are in UTC, and some are not known."""
    assert wording.moment(1_780_365_605.4) == "2026-06-02 02:00:05"
    assert wording.moment(None) == NOTHING


def test_control_characters_are_replaced():
    """What no page may hold is shown as missing; line ends and tabs stay."""
    assert wording.printable("a\0b\tc\nd\x9fé") == "a\ufffdb\tc\nd\ufffdé"
