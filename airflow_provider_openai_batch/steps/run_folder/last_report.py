"""The report of a run's last load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.report.report_values import Report

if TYPE_CHECKING:
    from airflow_provider_openai_batch.store.run_store import RunStore


def last_report(store: RunStore) -> tuple[str, Report] | None:
    """Return the folder of the report that was written last, and its figures."""
    names = [name for name in store.known() if name.startswith("reports/") and name.endswith("/report.json")]
    reports = [(name.removesuffix("/report.json"), store.get(name, Report)) for name in names]
    return max(reports, key=lambda one: one[1].at, default=None)
