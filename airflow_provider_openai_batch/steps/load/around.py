"""Where a load is: its target, and what its report knows of other runs and of Airflow."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.report.report_values import RunFigures
from airflow_provider_openai_batch.steps.run_folder.file_names import FIGURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_openai_batch.batch.arguments import arguments
    from airflow_provider_openai_batch.store.run_store import RunStore
    from airflow_provider_openai_batch.tables.base import Target

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Where people see the DAG run of a load, and the folders of its task's runs before it, oldest first."""

    dag_run_url: str | None = None
    earlier: Callable[[], Iterable[RunStore]] = tuple

    def figures(self, partition: str) -> tuple[RunFigures, ...]:
        """Read the figures of earlier runs over the same partition; what cannot be read is left out.

        Costs a small listing and a small read for each of these runs.
        """
        found, failures = _read_all(self.earlier)
        if failures:
            log.warning("The report leaves out earlier runs that cannot be read (%s).", ", ".join(failures))
        return tuple(one for one in found if one.partition == partition)


ALONE = Around()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the rows go: as submit was asked, and the table itself."""

    args: arguments.Target
    table: Target
    #: Whether messages and the report may show values of key columns.
    show_keys: bool = True
    around: Around = ALONE


def _read_all(earlier: Callable[[], Iterable[RunStore]]) -> tuple[list[RunFigures], list[str]]:
    """Return the figures of the last load of each run that has landed, and the kinds of what went wrong."""
    found, failures = [], {}
    try:
        for store in earlier():
            try:
                if names := store.list(FIGURES):
                    found.append(store.get(max(names), RunFigures))
            except Exception as error:  # noqa: BLE001 - the rows are in the target: nothing may fail their load
                failures[type(error).__name__] = True
    except Exception as error:  # noqa: BLE001
        failures[type(error).__name__] = True
    return found, list(failures)
