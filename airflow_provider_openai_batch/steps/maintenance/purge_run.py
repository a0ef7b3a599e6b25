"""Delete rows, requests, and answers of old runs; counts stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.run.facts import Purged
from airflow_provider_openai_batch.batch.run.retention import Keep, purge_or_keep
from airflow_provider_openai_batch.exceptions import OpenAIBatchError
from airflow_provider_openai_batch.steps.run_folder.file_names import folder_of_run, heavy
from airflow_provider_openai_batch.steps.run_folder.journal import Journal
from airflow_provider_openai_batch.steps.run_folder.marks import purged
from airflow_provider_openai_batch.steps.run_folder.read import read_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_openai_batch.store.run_store import RunStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoff:
    """What counts as old: landed `days` before `now` (seconds since 1970); `dry_run` deletes nothing."""

    now: float
    days: float
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that was purged before; `files` of it were left."""

    files: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A run that could not be read or purged."""

    reason: str


Outcome = Purged | Keep | Finished | Failed


def purge_below(root: RunStore, cutoff: Cutoff) -> Iterator[tuple[str, Outcome]]:
    """Purge the run at `root`, or all runs below it; yields each URI with its outcome."""
    for name in find_runs(root.list()):
        store = root.below(name)
        try:
            yield store.uri, purge_run(store, cutoff)
        except (OpenAIBatchError, OSError, ValueError) as error:
            yield store.uri, Failed(str(error) or type(error).__name__)


def find_runs(names: Iterable[str]) -> list[str]:
    """Name the folders that are runs, from the files below a work path; "" is that path itself."""
    return sorted({folder for folder in map(folder_of_run, names) if folder is not None})


def purge_run(store: RunStore, cutoff: Cutoff) -> Purged | Keep | Finished:
    """Purge one run if that is allowed; after a kill in the middle, the next purge finishes it."""
    names = store.list()
    rest = heavy(names)
    journal = Journal(store, lambda: cutoff.now)
    if purged(store, names) is not None:  # a file of another origin is unreadable, and nothing is deleted
        if rest and not cutoff.dry_run:
            journal.finish_purge(rest)
        return Finished(len(rest))
    outcome = purge_or_keep(read_run(store), cutoff.now, cutoff.days)
    if isinstance(outcome, Purged) and not cutoff.dry_run:
        journal.purge(outcome, rest)
    return outcome
