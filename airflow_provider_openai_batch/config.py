"""The section `[openai_batch]` of airflow.cfg, with the default of each option."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import conf

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.decisions.decision_input import Settings

SECTION = "openai_batch"


def work_path() -> str:
    """Return the URI below which all runs are; empty if it is not set."""
    return str(conf.get(SECTION, "work_path", fallback=""))


def settings() -> Settings:
    """Return what decides about a run: after how many seconds the API's list shows every batch."""
    from airflow_provider_openai_batch.batch.decisions.decision_input import Settings  # noqa: PLC0415

    return Settings(settle=conf.getfloat(SECTION, "settle", fallback=600.0))


def retention_days() -> float:
    """Return for how many days a landed run keeps its rows, requests, and answers."""
    return float(conf.getfloat(SECTION, "retention_days", fallback=30.0))


def sends_metadata() -> bool:
    """Return whether a batch's metadata name the DAG, task, and run."""
    return bool(conf.getboolean(SECTION, "metadata", fallback=True))


def shows_keys() -> bool:
    """Return whether messages may show values of key columns."""
    return bool(conf.getboolean(SECTION, "show_keys", fallback=True))


def logs_calls() -> bool:
    """Return whether the log of a task has a line for each call of the API."""
    return bool(conf.getboolean(SECTION, "http_logs", fallback=False))


def azure_credential() -> str:
    """Return the dotted path of a function that makes the credential of Entra ID; empty: azure-identity's."""
    return str(conf.get(SECTION, "azure_credential", fallback="") or "").strip()


def first_look() -> float:
    """Return how many seconds a trigger waits before its first look."""
    return float(conf.getfloat(SECTION, "first_look", fallback=15.0))
