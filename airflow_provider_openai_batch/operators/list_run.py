"""Enter runs into the index, from which the page lists them; no failure of it fails a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.run_location import open_index, other_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger

    from airflow_provider_openai_batch.store.run_store import RunStore


def list_staged(log: Logger, store: RunStore, run_id: str) -> None:
    """Enter a run that was staged."""
    from airflow_provider_openai_batch.steps.run_index.write_index import enter_staged  # noqa: PLC0415

    _safely(log, store, lambda: enter_staged(open_index(), store, other_root(store.uri, run_id)))


def list_landed(log: Logger, store: RunStore, report_uri: str | None) -> None:
    """Enter what a load did; a load without a report leaves the run listed as it was."""
    from airflow_provider_openai_batch.steps.run_index.write_index import enter_landed  # noqa: PLC0415

    if report_uri is not None:
        name = report_uri.removeprefix(f"{store.uri}/").removesuffix(".html") + ".json"
        _safely(log, store, lambda: enter_landed(open_index(), store, name))


def _safely(log: Logger, store: RunStore, enter: Callable[[], None]) -> None:
    try:
        enter()
    except Exception as error:  # noqa: BLE001
        log.warning(
            "The page OpenAI Batch may not show %s (%s): `python -m airflow_provider_openai_batch status "
            "--index` enters it. Nothing else depends on that.",
            store.uri,
            type(error).__name__,
        )
