"""What a load is compared with."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch.batch.report.report_values import Label, Labels
from airflow_provider_openai_batch.batch.report.trends import changes, own_figures, trends
from tests.batch.report.reports import make_earlier, make_report


def labels(**rows: int) -> tuple[Labels, ...]:
    """Make one column of labels."""
    return (
        Labels(column="kind", labels=tuple(Label(value=name, rows=count) for name, count in rows.items())),
    )


def test_the_first_run_has_nothing_to_be_compared_with():
    """Nothing is said, instead of changes from nothing."""
    assert trends(make_report()) == changes(make_report()) == ()


def test_a_label_that_is_gone_or_new_is_seen():
    """What the run before had most, and what this one has, stand in one list; a missing one is 0."""
    report = make_report(
        rows=100,
        labels=labels(b=60, c=40),
        earlier=(make_earlier(1, labels=()), make_earlier(2, rows=200, labels=labels(a=100, b=100))),
    )

    shares = {trend.name: (trend.values, trend.change) for trend in trends(report) if trend.column}

    assert shares == {
        "b": ((None, 0.5, 0.6), "+10.0 points"),
        "c": ((None, 0.0, 0.4), "+40.0 points"),
        "a": ((None, 0.5, 0.0), "\u221250.0 points"),
    }


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        (0.01, 0.0102, "+2%"),
        (0.02, 0.01, "\u221250%"),
        (0.01, 0.01, "±0%"),
        (None, 0.01, ""),
        (0.0, 0.01, ""),
    ],
)
def test_a_change_of_cost_is_a_part_of_what_it_was(before, now, change):
    """What was free or unknown has none."""
    report = make_report(rows=1_000, cost_usd=now, earlier=(make_earlier(1, rows=1_000, cost_usd=before),))

    (cost,) = (trend for trend in trends(report) if trend.kind == "usd")

    assert cost.change == change


def test_what_is_kept_for_later_is_small():
    """Of many labels the most frequent ones; the rest is counted."""
    column = Labels(column="kind", labels=tuple(Label(value=str(n), rows=1) for n in range(50)), others=7)

    kept = own_figures(make_report(labels=(column,) * 9)).labels

    assert len(kept) == 4
    assert (len(kept[0].labels), kept[0].others) == (20, 37)


def test_another_model_and_prompt_are_named():
    """They explain more than a drift of the rows would."""
    report = make_report(
        prompt_version="new", earlier=(make_earlier(1, model="gpt-4.1", prompt_version="old"),)
    )

    assert changes(report) == (
        "another model (gpt-4.1)",
        "another prompt, other parameters, or another output type",
    )
