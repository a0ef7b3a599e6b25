"""Write the report of a load into the run folder: figures for programs, and a page for people."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.report.page import render
from airflow_provider_openai_batch.batch.report.report_values import Report, Tokens
from airflow_provider_openai_batch.batch.report.timing import time_shards
from airflow_provider_openai_batch.batch.report.trends import own_figures
from airflow_provider_openai_batch.steps.run_folder.journal import Journal

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.api.usage import BatchUsage
    from airflow_provider_openai_batch.batch.run.run import CompleteSnapshot, Run
    from airflow_provider_openai_batch.steps.load.around import Place
    from airflow_provider_openai_batch.steps.load.load_summary import LoadSummary
    from airflow_provider_openai_batch.steps.load.report_figures import Figures
    from airflow_provider_openai_batch.steps.load.row_counts import RowCounts
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The counts of a load."""

    loaded: LoadSummary
    row_counts: RowCounts
    figures: Figures
    place: Place


def write_report(
    store: RunStore, run: Run, snapshot: CompleteSnapshot, counts: Counts, now: float
) -> str | None:
    """Write the report of a load that has landed, and return the URI of its page; failing only warns."""
    try:
        report = make_report(run, snapshot, counts, now)
        page = render(report, page_template()).encode("utf-8", "replace")
        uri = Journal(store, lambda: now).report(report, page)
    except Exception as error:  # noqa: BLE001 - the rows are in the target: nothing may fail their load now
        log.warning("The report could not be written (%s); the rows are written.", type(error).__name__)
        return None
    _keep_figures(store, report)
    return uri


def _keep_figures(store: RunStore, report: Report) -> None:
    """Keep the figures that later runs compare theirs with; failing only warns."""
    try:
        Journal(store, lambda: report.at).count(own_figures(report))
    except Exception as error:  # noqa: BLE001
        log.warning("Later reports cannot compare with this one (%s).", type(error).__name__)


def page_template() -> str:
    """Read the template of the page, with the style that it shares with the page in Airflow's UI."""
    folder = files("airflow_provider_openai_batch.batch.report")
    style = folder.joinpath("base.css").read_text("utf-8")
    return folder.joinpath("page.html").read_text("utf-8").replace('{% include "base.css" %}\n', style)


def make_report(run: Run, snapshot: CompleteSnapshot, counts: Counts, now: float) -> Report:
    """Return the report of a load."""
    submission, done = snapshot.submission, snapshot.done
    loaded, figures = counts.loaded, counts.figures
    failures, beyond = figures.failures()
    return Report(
        at=now,
        run_id=submission.run_id,
        snapshot=snapshot.id,
        endpoint=submission.endpoint,
        model=str(submission.request.get("model", "")),
        submitted_at=submission.at,
        rows=loaded.rows,
        written=loaded.written,
        kept=loaded.kept,
        skipped=done.skipped,
        requests=done.requests,
        judged=loaded.judged,
        failed=loaded.failed,
        max_failed_ratio=submission.max_failed_ratio,
        counts=loaded.counts,
        tokens=figures.tokens,
        unseen=_unseen(loaded.ran_unseen.tokens),
        unseen_usd=loaded.ran_unseen.cost_usd,
        cost_usd=loaded.cost_usd,
        saved_usd=loaded.saved_usd,
        priced=loaded.priced,
        models=figures.models(),
        labels=figures.labels(),
        attempts=figures.attempts(),
        failures=failures,
        failures_beyond=beyond,
        shards=time_shards(run),
        key=submission.key,
        failed_keys=tuple(counts.row_counts.keys) if counts.place.show_keys else None,
        source=submission.source,
        target=loaded.target,
        partition=submission.partition,
        dag_run_url=counts.place.around.dag_run_url,
        prompt_version=submission.prompt_version,
        estimate=done.forecast.all if done.forecast else None,
        estimate_is_limit=done.forecast is not None and done.forecast.output_is_limit,
        earlier=counts.place.around.figures(submission.partition),
    )


def _unseen(usage: BatchUsage) -> Tokens:
    return Tokens(
        input=usage.input_tokens,
        cached=usage.cached_tokens,
        output=usage.output_tokens,
        reasoning=usage.reasoning_tokens,
    )
