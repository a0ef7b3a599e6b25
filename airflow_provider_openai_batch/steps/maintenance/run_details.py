"""A run as the page shows it: what `status` shows, and what its folder has of shards, tries, and loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.report.report_values import Report
from airflow_provider_openai_batch.batch.report.timing import time_shards
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.text.safe_words import as_id
from airflow_provider_openai_batch.steps.maintenance.run_status import landed_status, status_of, unstarted
from airflow_provider_openai_batch.steps.run_folder.file_names import PURGED
from airflow_provider_openai_batch.steps.run_folder.read import read_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
    from airflow_provider_openai_batch.batch.report.report_values import SendTime, ShardTime
    from airflow_provider_openai_batch.batch.run.run import CompleteSnapshot, Run
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.store.run_store import RunStore

WINDOW = 86_400.0
MOST_SHARDS = 200
MOST_FAILURES = 20


def run_details(
    store: RunStore, client: Callable[[], AbstractContextManager[Client]], settings: Settings
) -> dict[str, Any]:
    """Look at a run without changing anything; the API is asked only while something of it is open.

    Returns what `status_of` returns, and what was staged, sent, and landed; times in seconds since 1970.
    """
    if (told := unstarted(store)) is not None:
        return told | _purged(store)
    run = read_run(store)
    if run.current is None:
        return landed_status(store, run)
    return (
        _status(store, run, client, settings)
        | _staged(run.current)
        | {
            "first_sent_at": min((send.intent.at for send in run.sends), default=None),
            "shards": [_shard(shard) for shard in time_shards(run)[:MOST_SHARDS]],
            "shard_count": len(run.shards),
            "history": sorted(_history(run), key=lambda event: float(event["at"])),
            "landed": _landed(store, run),
        }
    )


def _status(
    store: RunStore, run: Run, client: Callable[[], AbstractContextManager[Client]], settings: Settings
) -> dict[str, Any]:
    if not any(send.open for send in run.sends) and any(load.snapshot == _id(run) for load in run.landed):
        return landed_status(store, run)
    with client() as opened:
        return status_of(store, opened, settings) | {"now": opened.now()}


def _id(run: Run) -> str | None:
    return None if run.current is None else run.current.id


def _purged(store: RunStore) -> dict[str, Any]:
    if not store.exists(PURGED):
        return {}
    purged = store.get(PURGED, facts.Purged)
    return {
        "rows": purged.rows,
        "history": [
            {"at": purged.landed_at, "what": "landed", "rows": purged.rows},
            {"at": purged.at, "what": "purged"},
        ],
        "landed": {"at": purged.landed_at, "rows": purged.rows, "counts": purged.counts},
    }


def _staged(current: CompleteSnapshot) -> dict[str, Any]:
    submission, done = current.submission, current.done
    new = None if done.forecast is None else done.forecast.new
    return {
        "submitted_at": submission.at,
        "model": as_id(str(submission.request.get("model", ""))),
        "endpoint": submission.endpoint,
        "conn_id": submission.openai_conn_id,
        "rows": done.rows if done.read is None else done.read,
        "skipped": done.skipped,
        "rejected": done.rejected,
        "estimated_tokens": done.estimated_tokens,
        "estimated_cost_usd": done.estimated_cost_usd,
        "estimated_synchronous_usd": None if new is None else new.synchronous_usd,
    }


def _shard(shard: ShardTime) -> dict[str, Any]:
    return {
        "id": shard.id,
        "attempt": shard.attempt,
        "model": as_id(shard.model),
        "requests": shard.requests,
        "sends": [_send(send) for send in shard.sends],
    }


def _send(send: SendTime) -> dict[str, Any]:
    names = ("status", "batch_id", "created_at", "ended_at", "counts", "cost_usd")
    return {name: getattr(send, name) for name in names}


def _history(run: Run) -> Iterator[dict[str, Any]]:
    """Yield what was done with the run as a whole."""
    for snapshot in run.snapshots:
        submission, done = snapshot.submission, snapshot.done
        if done is not None:
            yield {
                "at": done.at,
                "what": "preview" if submission.preview else "staged",
                "rows": done.rows if done.read is None else done.read,
                "requests": done.requests,
                "try_number": submission.try_number,
            }
    for load in run.landed:
        yield {"at": load.at, "what": "landed", "rows": load.rows, "written": load.written}
    for stop in run.stops:
        yield {"at": stop.at, "what": "cancelled"}


def _landed(store: RunStore, run: Run) -> dict[str, Any] | None:
    """Return what the last load of the current rows did."""
    loads = [load for load in run.landed if load.snapshot == _id(run)]
    if not loads:
        return None
    last = max(loads, key=lambda load: load.at)
    told = {"at": last.at, "rows": last.rows, "counts": last.counts}
    found = last_report(store)
    return told if found is None else told | _reported(found[1])


def _reported(report: Report) -> dict[str, Any]:
    shown = ("status", "code", "param", "rows")
    return {
        "input_tokens": report.tokens.input,
        "cached_tokens": report.tokens.cached,
        "output_tokens": report.tokens.output,
        "reasoning_tokens": report.tokens.reasoning,
        "cost_usd": report.cost_usd,
        "saved_usd": report.saved_usd,
        "failures": [
            {name: getattr(failure, name) for name in shown} for failure in report.failures[:MOST_FAILURES]
        ],
    }


def last_report(store: RunStore) -> tuple[str, Report] | None:
    """Return the folder of the report that was written last, and its figures."""
    names = [name for name in store.known() if name.startswith("reports/") and name.endswith("/report.json")]
    reports = [(name.removesuffix("/report.json"), store.get(name, Report)) for name in names]
    return max(reports, key=lambda one: one[1].at, default=None)
