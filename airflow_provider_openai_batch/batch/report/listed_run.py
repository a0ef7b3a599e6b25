"""What the index of runs holds: enough for a list of runs, without a look into their folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.batch.run.facts import Fact

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.report.report_values import Report
    from airflow_provider_openai_batch.batch.run.run import CompleteSnapshot


class ListedRun(Fact, frozen=True, kw_only=True):
    """A run that was staged; `at` is when its first attempt began. `run_id` names DAG, task, and run."""

    run_id: str
    run_uri: str


class LandedRun(ListedRun, frozen=True, kw_only=True):
    """A run as its last load left it; `at` is when that was. Costs are in USD; None: unknown.

    `counts` are its rows by status. `input_tokens` and `output_tokens` are those of the rows' answers.
    """

    submitted_at: float
    model: str
    rows: int
    requests: int
    batches: int
    counts: dict[str, int] = {}
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    saved_usd: float | None = None
    estimated_cost_usd: float | None = None


class WorkPath(msgspec.Struct, frozen=True, kw_only=True):
    """A work path other than the configured one, below which there are runs."""

    work_path: str


def landed_run(run_uri: str, snapshot: CompleteSnapshot, report: Report) -> LandedRun:
    """Return what the list shows of a run, by the report of its load."""
    return LandedRun(
        at=report.at,
        run_id=snapshot.submission.run_id,
        run_uri=run_uri,
        submitted_at=snapshot.submission.at,
        model=report.model,
        rows=report.rows,
        requests=report.requests,
        batches=sum(send.batch_id is not None for shard in report.shards for send in shard.sends),
        counts=report.counts,
        input_tokens=report.tokens.input,
        output_tokens=report.tokens.output,
        cost_usd=report.cost_usd,
        saved_usd=report.saved_usd,
        estimated_cost_usd=snapshot.done.estimated_cost_usd,
    )
