"""Tries are counted as Airflow counts them."""

from __future__ import annotations

from tests.world.tries import Tries


def test_a_clear_begins_the_retries_anew():
    """`max_tries` grows with a clear only, and the number of a try always."""
    first = Tries(retries=2)
    retried = first.again()
    cleared = retried.cleared()

    assert [(tries.number, tries.most) for tries in (first, retried, cleared)] == [(1, 2), (2, 2), (3, 4)]
    assert [tries.is_over for tries in (retried, cleared.again(), cleared.again().again())] == [
        False, False, True,
    ]  # fmt: skip
