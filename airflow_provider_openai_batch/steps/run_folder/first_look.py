"""When a try of the sensor looked first: its time-out counts from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.run.facts import Fact
from airflow_provider_openai_batch.batch.run.future_dates import is_yet_to_come
from airflow_provider_openai_batch.steps.run_folder.file_names import look_files
from airflow_provider_openai_batch.steps.run_folder.journal import Journal

if TYPE_CHECKING:
    from airflow_provider_openai_batch.store.run_store import RunStore


def first_look(store: RunStore, max_tries: int, now: float) -> float:
    """Return the API time at which this try of the sensor looked first."""
    for name in look_files(max_tries):
        if not store.exists(name):
            Journal(store, lambda: now).looked(name)
        at = store.get(name, Fact).at
        if not is_yet_to_come(at, now):
            return at
    return now
