"""What was written down of the run as a whole: it is purged, files are deleted, batches are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.steps.run_folder.file_names import (
    CLEANED,
    FORGOTTEN,
    PURGED,
    UPLOADS,
    is_purged,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from airflow_provider_openai_batch.store.run_store import RunStore


def purged(store: RunStore, names: Collection[str]) -> facts.Purged | None:
    """Return what a purge wrote down; None for a run that was not purged."""
    return store.get(PURGED, facts.Purged) if is_purged(names) else None


def cleaned(store: RunStore, names: Iterable[str]) -> frozenset[str]:
    """Return the ids of the files that are deleted at the API."""
    marks = [name for name in names if name.startswith(CLEANED)]
    return frozenset(file_id for name in marks for file_id in store.get(name, facts.Cleaned).files)


def unclear_uploads(store: RunStore, names: Iterable[str]) -> list[float]:
    """Return when uploads may have left a file whose id is unknown, in API time."""
    return [store.get(name, facts.Fact).at for name in names if name.startswith(UPLOADS)]


def forgotten(store: RunStore) -> frozenset[str]:
    """Return the ids of the batches that a person has told this run to forget."""
    marks = [name for name in store.known() if name.startswith(FORGOTTEN)]
    return frozenset(batch.id for name in marks for batch in store.get(name, facts.Forgotten).batches)
