"""A run as the page shows it: what `status` shows, and what its folder has of shards, tries, and loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.report.timing import time_shards
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.text.safe_words import as_id
from airflow_provider_openai_batch.steps.maintenance.run_status import recorded_status, unstarted
from airflow_provider_openai_batch.steps.run_folder.file_names import PURGED
from airflow_provider_openai_batch.steps.run_folder.last_report import last_report
from airflow_provider_openai_batch.steps.run_folder.read import read_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_openai_batch.batch.report.report_values import Report, SendTime, ShardTime
    from airflow_provider_openai_batch.batch.run.run import CompleteSnapshot, Run
    from airflow_provider_openai_batch.store.run_store import RunStore

MOST_SHARDS = 200
MOST_FAILURES = 20


def run_details(store: RunStore, look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return all of a run without changing anything: its status, and what was staged, sent, and landed.

    Times are in seconds since 1970.

    :param look: gives what the API shows, in the words of `status_of`; called only while something is open.
    """
    if (told := unstarted(store)) is not None:
        return told | _purged(store)
    run = read_run(store)
    assert run.current is not None
    return _status(store, run, look) | _staged(run.current) | _recorded(store, run)


def _status(store: RunStore, run: Run, look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if run.has_landed and not any(send.open for send in run.sends):
        return recorded_status(store, run, "landed")
    return recorded_status(store, run, "in_flight") | look()


def _recorded(store: RunStore, run: Run) -> dict[str, Any]:
    return {
        "first_sent_at": min((send.intent.at for send in run.sends), default=None),
        "shards": [_shard(shard) for shard in time_shards(run)[:MOST_SHARDS]],
        "shard_count": len(run.shards),
        "history": sorted(_history(run), key=lambda event: float(event["at"])),
        "landed": _landed(store, run),
    }


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
    loads = [load for load in run.landed if run.current and load.snapshot == run.current.id]
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
