"""What runs tell Airflow's metrics: StatsD, Datadog, or OpenTelemetry, whichever is on."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import Stats

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.decisions.progress import Progress
    from airflow_provider_openai_batch.steps.load.load_summary import LoadSummary
    from airflow_provider_openai_batch.steps.submit.staged import Staged

PREFIX = "openai_batch"
#: What the name of a metric cannot contain: dots divide it.
OTHER = re.compile(r"[^A-Za-z0-9_-]")
LONGEST_WORD = 80


def tell_submitted(staged: Staged, dag_id: str, model: str) -> None:
    """Tell what a submit adds to its run."""
    _count("requests", staged.new_requests, dag_id, model)
    _count("rows_skipped", staged.skipped, dag_id, model)
    _gauge("estimated_cost_usd", staged.estimated_cost_usd, dag_id, model)


def tell_loaded(loaded: LoadSummary, dag_id: str, model: str) -> None:
    """Tell what landed, what failed, and what it took; a cost that is unknown is not told."""
    _count("rows", loaded.rows, dag_id, model)
    _count("rows_failed", loaded.without_answer, dag_id, model)
    _count("input_tokens", loaded.tokens[0], dag_id, model)
    _count("output_tokens", loaded.tokens[1], dag_id, model)
    _count("cost_usd", loaded.cost_usd, dag_id, model)
    _gauge("failed_ratio", loaded.failed_ratio, dag_id, model)
    if loaded.seconds is not None:
        for name, tags in _names("run_duration", dag_id, model):
            Stats.timing(name, timedelta(seconds=loaded.seconds), tags=tags)


def tell_waiting(progress: Progress, dag_id: str) -> None:
    """Tell how far a run is that waits; its model is not known here."""
    unanswered = max(0, progress.requests - progress.answered - progress.failed)
    for name, value in (("waiting_requests", unanswered), ("waiting_seconds", progress.at - progress.since)):
        _gauge(name, value, dag_id)


def tell_waited(dag_id: str) -> None:
    """Tell that the run waits no longer."""
    for name in ("waiting_requests", "waiting_seconds"):
        _gauge(name, 0, dag_id)


def _count(name: str, value: float | None, dag_id: str, model: str) -> None:
    if value:
        for full, tags in _names(name, dag_id, model):
            Stats.incr(full, value, tags=tags)


def _gauge(name: str, value: float | None, dag_id: str, model: str | None = None) -> None:
    if value is not None:
        for full, tags in _names(name, dag_id, model):
            Stats.gauge(full, value, tags=tags)


def _names(name: str, dag_id: str, model: str | None) -> list[tuple[str, dict[str, str]]]:
    """Return the name with tags, and for StatsD, which may have none, the one that holds them."""
    known = {"dag_id": dag_id} | ({} if model is None else {"model": model})
    words = (OTHER.sub("_", word.replace(".", "__"))[:LONGEST_WORD] for word in known.values())
    return [(f"{PREFIX}.{name}", known), (".".join((PREFIX, name, *words)), {})]
