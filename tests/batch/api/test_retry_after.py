"""One reader of `Retry-After`: seconds and HTTP dates, for looks and for refusals."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from airflow_provider_openai_batch.batch.api.retry_after import LONGEST, retry_after_of

NOON = 1_800_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30), ("600.5", 600.5), ("1e3", 1_000), (formatdate(NOON + 90, usegmt=True), 90),
        (formatdate(NOON + 999_999, usegmt=True), LONGEST), ("1790000000", LONGEST), ("inf", LONGEST),
    ],
)  # fmt: skip
def test_seconds_and_dates(text: str, seconds: float):
    """A date counts from the answer's own; nobody means more than the life of a batch."""
    assert retry_after_of({"date": formatdate(NOON, usegmt=True), "retry-after": text}) == seconds


@pytest.mark.parametrize("text", ["0", "-5", "-inf", "nan", "soon", "", formatdate(NOON - 90, usegmt=True)])
def test_nonsense_asks_for_nothing(text: str):
    """Neither does a time that is over."""
    assert retry_after_of({"date": formatdate(NOON, usegmt=True), "retry-after": text}) is None


def test_what_is_absent_asks_for_nothing():
    """A date says nothing where the answer has none of its own."""
    assert retry_after_of({}) is None
    assert retry_after_of({"retry-after": formatdate(NOON, usegmt=True)}) is None
