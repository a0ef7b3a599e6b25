"""Runs are entered into the index when they are staged, and again when they have landed.

Each function may run at any time, any number of times, and leaves the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.report.listed_run import ListedRun, WorkPath, landed_run
from airflow_provider_openai_batch.batch.report.report_values import Report
from airflow_provider_openai_batch.steps.run_folder.file_names import is_purged
from airflow_provider_openai_batch.steps.run_folder.last_report import last_report
from airflow_provider_openai_batch.steps.run_folder.read import read_run, recall_run
from airflow_provider_openai_batch.steps.run_index import index_names as names

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.store.run_store import RunStore
    from airflow_provider_openai_batch.store.shared_folder import SharedFolder


def enter_staged(index: SharedFolder, store: RunStore, work_path: str | None = None) -> None:
    """Enter a run that was staged; a preview and a run that is entered already change nothing.

    :param work_path: where the run is, if that is not the work path of the index.
    """
    run = recall_run(store)
    if run.current is None:
        return
    key, entry = _key(run, store), _entry(run, store)
    if work_path is not None:
        index.put(names.root_file(work_path), WorkPath(work_path=work_path))
    index.put(names.run_file(key), entry)
    index.put(names.open_file(key), entry)


def enter_landed(index: SharedFolder, store: RunStore, report_file: str) -> None:
    """Enter what a load did, by its report.

    :param report_file: the name of `report.json` in the run folder.
    """
    run = recall_run(store)
    if run.current is None:
        return
    report, key = store.get(report_file, Report), _key(run, store)
    index.put(names.landed_file(key, report.at), landed_run(store.uri, run.current, report))
    index.remove(names.open_file(key))


def enter_run(index: SharedFolder, store: RunStore, work_path: str | None = None) -> bool:
    """Enter a run as its folder shows it; False for one that was not staged, only previewed, or purged.

    :param work_path: where the run is, if that is not the work path of the index.
    """
    if is_purged(store.list()) or (run := read_run(store)).current is None:
        return False
    enter_staged(index, store, work_path)
    report = last_report(store)
    if report is not None:
        enter_landed(index, store, f"{report[0]}/report.json")
    if not run.has_landed:
        index.put(names.open_file(_key(run, store)), _entry(run, store))
    else:
        index.remove(names.open_file(_key(run, store)))
    return True


def close_runs(index: SharedFolder, run_uris: Collection[str]) -> None:
    """Note that nothing is open of these runs any more. Costs one listing of the open runs."""
    _remove(index, names.OPEN, run_uris)


def leave_out(index: SharedFolder, run_uri: str) -> None:
    """Remove a run from the index. Costs a listing of the whole index."""
    _remove(index, "", [run_uri])


def _remove(index: SharedFolder, below: str, run_uris: Collection[str]) -> None:
    for name in sorted(index.list(below)):
        if any(names.is_of(name, uri) for uri in run_uris):
            index.remove(name)


def _entry(run: Run, store: RunStore) -> ListedRun:
    assert run.current is not None
    return ListedRun(at=_first_at(run), run_id=run.current.submission.run_id, run_uri=store.uri)


def _key(run: Run, store: RunStore) -> str:
    assert run.current is not None
    return names.key_of(_first_at(run), run.current.submission.run_id, store.uri)


def _first_at(run: Run) -> float:
    return min(attempt.at for attempt in run.attempts)
