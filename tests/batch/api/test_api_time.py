"""The API time follows answers that are plausible."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from airflow_provider_openai_batch.batch.api.api_time import ApiTime

START = 1_795_000_000.0


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def dated(seconds: float) -> dict[str, str]:
    return {"date": formatdate(seconds, usegmt=True)}


def make(worker: float = START) -> tuple[ApiTime, Clock]:
    clock = Clock()
    return ApiTime(clock, lambda: worker), clock


@pytest.mark.parametrize("by", [-3_456_000, -400, 400, 3_456_000])
def test_one_date_that_disagrees_does_not_count(by: float):
    """Nor do two."""
    time, clock = make()
    time.see(dated(START))
    clock.now += 10

    time.see(dated(START + 10 + by))
    time.see(dated(START + 10 + by))

    assert time.is_in_doubt
    assert time.now() == START + 10
    time.see(dated(START + 11))
    assert not time.is_in_doubt
    assert time.now() == START + 11


def test_three_in_a_row_count():
    """The server's clock was set, or the machine slept."""
    time, _ = make()
    time.see(dated(START))
    for _ in range(3):
        time.see(dated(START + 50_000))

    assert (time.now(), time.is_in_doubt) == (START + 50_000, False)


def test_three_that_differ_do_not_count():
    """They have to say the same."""
    time, _ = make()
    time.see(dated(START))
    for number in range(1, 6):
        time.see(dated(START + 50_000 * number))

    assert time.now() == START


def test_created_at_of_the_same_answer_bears_a_date_out():
    """Two clocks of the server that agree are believed."""
    time, _ = make()
    time.see(dated(START))

    time.see(dated(START + 50_000), START + 50_010)

    assert time.now() == START + 50_000


def test_elapsed_time_counts():
    """An hour later a date may be an hour later."""
    time, clock = make()
    time.see(dated(START))
    clock.now += 3_600

    time.see(dated(START + 3_620))

    assert time.now() == START + 3_620


def test_first_date_is_compared_with_the_workers_clock():
    """It counts at once if they agree; else it is in doubt, and the best there is."""
    time, _ = make(worker=START + 200)
    time.see(dated(START))
    assert (time.now(), time.is_in_doubt) == (START, False)

    other, _ = make(worker=START + 90_000)
    other.see(dated(START))
    assert (other.now(), other.is_in_doubt) == (START, True)


@pytest.mark.parametrize("headers", [{}, {"date": ""}, {"date": "yesterday"}, {"date": None}])
def test_answer_without_a_date_says_nothing(headers: dict[str, str]):
    """Then the worker's clock is all there is."""
    time, _ = make()

    time.see(headers)

    assert (time.now(), time.is_known) == (START, False)
