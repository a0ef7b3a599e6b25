"""A report compares its load with the runs of the same task before it; none of them can fail a load."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.batch.report.report_values import Report, RunFigures
from airflow_provider_openai_batch.run_location import earlier_runs
from airflow_provider_openai_batch.steps.load.around import Around
from airflow_provider_openai_batch.steps.load.load import load
from airflow_provider_openai_batch.steps.maintenance.purge_run import Cutoff, purge_run

if TYPE_CHECKING:
    from collections.abc import Callable

NIGHT = "scheduled__2026-06-{:02}T00:00:00+00:00"


@pytest.fixture
def nightly(pipeline: Any) -> Callable[..., Report]:
    """Run one night, over rows of its own; gives its report."""

    numbers = count()

    def run(night: str, rows: int = 10, partition: str = "", **changes: Any) -> Report:
        tonight = replace(pipeline, name=night)
        tonight.fill([(n, f"ticket {n}") for n in islice(numbers, rows)])
        tonight.submit(partition=partition, **changes)
        tonight.wait()
        around = Around(
            dag_run_url="https://airflow.example/r",
            earlier=lambda: earlier_runs(tonight.store.uri, tonight.run_id),
        )
        load(tonight.store, tonight.client, Settings(), around=around)
        (name,) = (name for name in tonight.store.list("reports/") if name.endswith("report.json"))
        return tonight.store.get(name, Report)

    return run


def test_a_report_knows_the_nights_before(nightly: Callable[..., Report], pipeline: Any):
    """The figures of each are those of its own report, in the order of the nights; a purge leaves them."""
    reports = [nightly(NIGHT.format(day), rows=6 + day) for day in (1, 2, 3)]
    first = replace(pipeline, name=NIGHT.format(1))
    purge_run(first.store, Cutoff(now=pipeline.emulator.now + 86_400, days=0))

    last = nightly(NIGHT.format(4))

    assert [len(report.earlier) for report in reports] == [0, 1, 2]
    assert [(one.run_id, one.at, one.rows, one.cost_usd, one.labels[0].labels) for one in last.earlier] == [
        (one.run_id, one.at, one.rows, one.cost_usd, one.labels[0].labels) for one in reports
    ]
    assert [one.rows for one in last.earlier] == [7, 8, 9]
    assert "reports/" not in {name.partition("/")[0] + "/" for name in first.store.list()}
    assert (last.source, last.target) == ("a query of warehouse", "warehouse.labels")
    assert last.dag_run_url == "https://airflow.example/r"
    assert last.estimate is not None
    assert last.estimate.requests == 10


def test_runs_are_ordered_by_the_time_in_their_ids(nightly: Callable[..., Report]):
    """A backfill of an earlier night compares with the nights before it, not with those that ran before."""
    for name in (NIGHT.format(3), NIGHT.format(1), "manual__2026-06-02T05:00:00+00:00"):
        nightly(name)

    backfilled = nightly("backfill__2026-06-02T12:00:00+00:00")

    assert [one.run_id.rpartition("__")[2][:10] for one in backfilled.earlier] == ["2026-06-01", "2026-06-02"]


def test_a_partition_is_compared_with_itself(nightly: Callable[..., Report]):
    """Where the partitions were cut anew, a number means other rows."""
    nightly(f"{NIGHT.format(1)}/0", partition="id < 5")
    nightly(f"{NIGHT.format(1)}/1", partition="id >= 5")
    nightly(f"{NIGHT.format(2)}/0", partition="id < 7")

    found = nightly(f"{NIGHT.format(3)}/0", partition="id < 5").earlier

    assert [(one.run_id, one.partition) for one in found] == [(f"dag/task/{NIGHT.format(1)}/0", "id < 5")]


def test_reading_is_bounded(nightly: Callable[..., Report], pipeline: Any):
    """Of very many runs only the last ones are opened; those that have not landed have no figures."""
    for day in range(1, 29):
        folder = pipeline.folder / "runs/dag/task" / NIGHT.format(day) / "attempts"
        folder.mkdir(parents=True)
    tonight = replace(pipeline, name=NIGHT.format(29))

    opened = earlier_runs(tonight.store.uri, tonight.run_id)

    assert [store.uri.rpartition("/")[2] for store in opened] == [NIGHT.format(day) for day in range(9, 29)]
    assert nightly(NIGHT.format(30)).earlier == ()


def test_figures_that_cannot_be_read_fail_no_load(
    nightly: Callable[..., Report], pipeline: Any, caplog: pytest.LogCaptureFixture
):
    """The rows have landed: the report is written with those of the others, and a warning says so."""
    nightly(NIGHT.format(1))
    broken = pipeline.folder / "runs/dag/task" / NIGHT.format(2) / "figures"
    broken.mkdir(parents=True)
    (broken / "9-a.json").write_text("{")

    report = nightly(NIGHT.format(3))

    assert [one.run_id for one in report.earlier] == [f"dag/task/{NIGHT.format(1)}"]
    assert "The report leaves out earlier runs that cannot be read (RunUnreadable)." in caplog.text


def test_a_store_that_cannot_be_listed_fails_no_load(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """The task's folder may not be readable for who may write a run into it."""

    def denied() -> Any:
        raise PermissionError("no listing")

    pipeline.submit()
    pipeline.wait()

    loaded = load(pipeline.store, pipeline.client, Settings(), around=Around(earlier=denied))

    assert loaded.report_uri is not None
    assert "cannot be read (PermissionError)" in caplog.text


def test_each_load_leaves_small_figures(nightly: Callable[..., Report], pipeline: Any):
    """A load that is repeated leaves further ones, and later reports take the last."""
    nightly(NIGHT.format(1))
    first = replace(pipeline, name=NIGHT.format(1))
    pipeline.emulator.advance(60)
    first.load()

    names = sorted(first.store.list("figures/"))
    (found,) = nightly(NIGHT.format(2)).earlier

    assert len(names) == 2
    assert found == first.store.get(names[-1], RunFigures)
    assert max(len(first.store.open(name).read()) for name in names) < 2_000
