"""Runs are entered into the index when they are staged, and again when they have landed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.report.listed_run import ListedRun, WorkPath, landed_run
from airflow_provider_openai_batch.batch.report.report_values import Report
from airflow_provider_openai_batch.steps.run_folder.read import recall_run
from airflow_provider_openai_batch.steps.run_index import index_names as names

if TYPE_CHECKING:
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
    key, run_id = _key(run, store), run.current.submission.run_id
    entry = ListedRun(at=_first_at(run), run_id=run_id, run_uri=store.uri)
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


def _key(run: Run, store: RunStore) -> str:
    assert run.current is not None
    return names.key_of(_first_at(run), run.current.submission.run_id, store.uri)


def _first_at(run: Run) -> float:
    return min(attempt.at for attempt in run.attempts)
