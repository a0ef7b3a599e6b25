"""Plots keep within their frame, whatever the numbers are."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from airflow_provider_openai_batch.batch.report import plots
from tests.batch.report.reports import HOUR, START, STATUSES, make_shard

MANY = {f"s{n}": n**6 for n in range(10)}


def boxes(svg: str) -> list[tuple[float, float, float, float]]:
    """Return x, y, width, and height of each shape, after checking that all are within the frame."""
    root = ET.fromstring(str(svg))
    wide, high = (float(word) for word in root.attrib["viewBox"].split()[2:])
    found = [
        tuple(float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        for rect in root.iter("rect")
    ]
    for x, y, width, height in found:
        assert min(x, y, width, height) >= 0
        assert x + width <= wide + 0.1
        assert y + height <= high + 0.1
    return found  # type: ignore[return-value]


def test_shares_fill_the_bar():
    """Shares stand side by side over the whole width; what is there is seen, what is not is not drawn."""
    found = boxes(plots.stacked(MANY, "shares"))

    assert len(found) == 9
    assert sum(width for _, _, width, _ in found) == pytest.approx(1_000, abs=0.1)
    assert min(width for _, _, width, _ in found) > 3


def test_a_share_is_as_wide_as_it_is_large():
    """Where none is tiny, widths are the numbers."""
    widths = [width for _, _, width, _ in boxes(plots.stacked({"a": 1, "b": 3}, "shares"))]

    assert widths == [250.0, 750.0]


def test_nothing_is_drawn_for_nothing():
    """Zeros and empty wholes are an empty frame."""
    assert boxes(plots.stacked({}, "shares")) == []
    assert boxes(plots.bar(0, 0, "none")) == []
    assert boxes(plots.timeline((), (START, START))) == []


def test_a_part_lies_over_its_bar():
    """Both are measured against the largest."""
    assert boxes(plots.bar(50, 100, "half", 25)) == [(0, 0, 500, 10), (0, 0, 250, 10)]


@pytest.mark.parametrize("count", [1, 9, 60, 260])
def test_shards_have_a_row_each(count: int):
    """Rows do not overlap, and bars lie where their times are."""
    shards = [make_shard(n, status=STATUSES[n % 9], start=n * 60.0) for n in range(count)]

    found = boxes(plots.timeline(shards, plots.span_of(shards, START)))

    rows = [(y, height) for _, y, _, height in found]
    assert len(rows) == min(count, plots.MOST_SHARDS)
    assert all(y + height <= below for (y, height), (below, _) in pairwise(rows))


def test_a_bar_begins_at_its_create():
    """From the submit to the last end is the whole width."""
    early, late = make_shard(0, start=HOUR), make_shard(1, start=2 * HOUR)  # they take one and two hours

    found = boxes(plots.timeline([early, late], plots.span_of([early, late], START)))

    assert [(x, width) for x, _, width, _ in found] == [(250, 250), (500, 500)]


def test_times_that_no_clock_agrees_on():
    """A batch that ended before it was created, and one older than the submit, are within the frame, too."""
    odd = make_shard(0, start=-HOUR)
    first = odd.sends[0]
    assert first.ended_at is not None

    assert plots.span_of([odd], START) == plots.Span(first=first.created_at, last=START)
    boxes(plots.timeline([odd], plots.Span(first=START, last=START)))
