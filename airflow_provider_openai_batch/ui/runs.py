"""What the page shows of runs, as plain values."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from airflow_provider_openai_batch.batch.report.listed_run import LandedRun
from airflow_provider_openai_batch.cli import failures, in_words
from airflow_provider_openai_batch.config import settings
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from airflow_provider_openai_batch.run_location import (
    folders_of,
    open_index,
    open_store,
    other_root,
    work_root,
)
from airflow_provider_openai_batch.steps.maintenance.run_details import run_details
from airflow_provider_openai_batch.steps.maintenance.run_status import status_of, unreadable
from airflow_provider_openai_batch.steps.run_folder.last_report import last_report
from airflow_provider_openai_batch.steps.run_folder.recorded import recorded_conn_id
from airflow_provider_openai_batch.steps.run_index.read_index import Known, knows_root, read_page
from airflow_provider_openai_batch.ui.live_runs import LiveRuns

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.report.listed_run import ListedRun
    from airflow_provider_openai_batch.steps.run_index.read_index import Asked
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)

#: A list looks at each open run once in so many seconds for each of them: less than one look in a second.
PACE = 1.5
FRESH_LIST, FRESH_RUN = 15.0, 8.0
#: So many seconds does an answer wait for looks; what is seen later is in the next one.
PATIENCE_LIST, PATIENCE_RUN = 0.5, 4.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is, as an address says it: `id` is `<dag_id>/<task_id>/<run_id>`, and `/<map_index>`."""

    id: str
    work_path: str | None = None

    @property
    def dag_id(self) -> str:
        """Return the DAG, which says who may see the run."""
        return self.id.partition("/")[0]


def look(uri: str) -> dict[str, Any]:
    """Look at a run; what fails is said in its place."""
    store = open_store(uri)
    try:
        return run_details(store, lambda: _look_at_api(store))
    except failures() as error:
        return unreadable(store, in_words(error))
    except Exception as error:
        log.exception("The page could not look at %s.", uri)
        return unreadable(store, type(error).__name__)


def _look_at_api(store: RunStore) -> dict[str, Any]:
    try:
        with closing(OpenAIBatchHook(recorded_conn_id(store)).get_client()) as client:
            return status_of(store, client, settings()) | {"now": client.now()}
    except failures() as error:
        return {"waits_for": [in_words(error)]}


class Runs:
    """The runs of the configured work path, and of those that the index knows."""

    def __init__(self) -> None:
        self._live = LiveRuns(look)
        self._known: dict[str, Known] = {}

    def page(self, asked: Asked) -> dict[str, Any]:
        """Return a page of the list: `runs`, and `after`, where the next one begins."""
        index = open_index()
        page = read_page(index, asked, self._known.setdefault(index.uri, {}))
        live = [one.entry.run_uri for one in page.runs if one.is_open]
        fresh = max(FRESH_LIST, PACE * len(live))
        seen = self._live.see(live, fresh=fresh, patience=PATIENCE_LIST)
        return {
            "runs": [_row(one.entry, seen.get(one.entry.run_uri)) for one in page.runs],
            "after": page.after,
            "now": time.time(),
        }

    def one(self, place: Place) -> dict[str, Any] | None:
        """Return all of a run; None if there is no such run."""
        store = self.find(place)
        if store is None:
            return None
        seen = self._live.see([store.uri], fresh=FRESH_RUN, patience=PATIENCE_RUN)
        known = seen.get(store.uri) or unreadable(store, "the first look is not done yet")
        return {"now": time.time()} | named(place.id, store.uri) | known | {"progress": _progress(known)}

    def forget(self, uri: str) -> None:
        """Look at a run anew: it was changed."""
        self._live.forget(uri)

    def find(self, place: Place) -> RunStore | None:
        """Open a run below a work path that is configured or that the index knows; None if there is none."""
        root = place.work_path or work_root()
        if root != work_root() and not knows_root(open_index(), root):
            return None
        stores = (open_store(f"{root}/{folder}") for folder in folders_of(place.id))
        return next((store for store in stores if store.list()), None)

    def report(self, place: Place) -> bytes | None:
        """Return the report of the run's last load."""
        store = self.find(place)
        found = None if store is None else last_report(store)
        if store is None or found is None:
            return None
        with store.open(f"{found[0]}/report.html") as file:
            return file.read()


def named(run_id: str, uri: str) -> dict[str, Any]:
    """Return how a run is called, and the ends of its addresses."""
    dag_id, task_id, *rest = run_id.split("/")
    is_mapped = len(rest) > 1 and rest[-1].isdecimal()
    root = other_root(uri, run_id)
    query = {"id": run_id} | ({} if root is None else {"work_path": root})
    dag_run_id = "/".join(rest[:-1] if is_mapped else rest)
    airflow = "/".join(
        quote(part, safe="") for part in ("dags", dag_id, "runs", dag_run_id, "tasks", task_id)
    )
    return {
        "id": run_id,
        "run_uri": uri,
        "work_path": root,
        "dag_id": dag_id,
        "task_id": task_id,
        "dag_run_id": dag_run_id,
        "map_index": int(rest[-1]) if is_mapped else None,
        "query": urlencode(query),
        "airflow": f"{airflow}/mapped/{rest[-1]}" if is_mapped else airflow,
    }


def _row(entry: ListedRun, seen: dict[str, Any] | None) -> dict[str, Any]:
    row = named(entry.run_id, entry.run_uri)
    if isinstance(entry, LandedRun):
        return row | _landed_row(entry)
    if seen is None:
        return row | {"state": "open", "submitted_at": entry.at, "progress": None}
    shown = (
        "state", "submitted_at", "first_sent_at", "model", "rows", "requests", "cost_usd",
        "estimated_cost_usd", "waits_for", "batches", "landed",
    )  # fmt: skip
    told = {name: seen.get(name) for name in shown}
    told["batches"] = len(seen.get("batches") or ())
    told["submitted_at"] = seen.get("submitted_at") or entry.at
    return row | told | {"progress": _progress(seen), "now": seen.get("now")}


def _landed_row(entry: LandedRun) -> dict[str, Any]:
    return {
        "state": "landed",
        "submitted_at": entry.submitted_at,
        "model": entry.model,
        "rows": entry.rows,
        "requests": {"requests": entry.requests, "answered": entry.requests, "in_flight": 0, "held": 0},
        "batches": entry.batches,
        "cost_usd": entry.cost_usd,
        "estimated_cost_usd": entry.estimated_cost_usd,
        "waits_for": [],
        "landed": {
            name: getattr(entry, name)
            for name in ("at", "rows", "counts", "input_tokens", "output_tokens", "cost_usd", "saved_usd")
        },
        "progress": {"answered": entry.requests, "failed": 0, "requests": entry.requests},
    }


def _progress(seen: dict[str, Any]) -> dict[str, int] | None:
    """Count the answered requests: those that are stored, and those that batches in flight report."""
    asked = seen.get("requests")
    if not asked:
        return None
    flying = [batch for batch in seen["batches"] if batch["answers"] is None]
    failed = sum(batch["failed"] or 0 for batch in flying)
    answered = asked["answered"] + sum(batch["completed"] or 0 for batch in flying)
    return {
        "answered": min(answered, asked["requests"]),
        "failed": min(failed, asked["requests"] - min(answered, asked["requests"])),
        "requests": asked["requests"],
    }
