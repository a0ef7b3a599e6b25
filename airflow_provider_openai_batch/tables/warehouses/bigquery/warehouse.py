"""BigQuery: rows as Arrow, results as staged Parquet files and one MERGE."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.targets.sql_target import SqlTarget
from airflow_provider_openai_batch.tables.warehouses.bigquery.session import opened
from airflow_provider_openai_batch.tables.warehouses.bigquery.source import ArrowSource

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.sources import sql

LONGEST_PARTS = 3


def source(hook: Any, query: sql.Query) -> ArrowSource:
    """Read a query through Airflow's BigQuery hook."""
    return ArrowSource(hook=hook, query=query)


def target(hook: Any, parts: tuple[str, ...]) -> SqlTarget:
    """Write to a table through Airflow's BigQuery hook."""
    if len(parts) > LONGEST_PARTS:
        raise InvalidRequest(
            f"BigQuery has no table {'.'.join(parts)!r}; a name is 'dataset.table' or "
            "'project.dataset.table'."
        )
    return SqlTarget(parts=parts, session=partial(opened, hook, parts))
