"""Snowflake: rows as the driver's Arrow batches, results as staged Parquet files and one MERGE."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.targets.sql_target import SqlTarget
from airflow_provider_openai_batch.tables.warehouses.snowflake.driver import connect
from airflow_provider_openai_batch.tables.warehouses.snowflake.errors import explain
from airflow_provider_openai_batch.tables.warehouses.snowflake.session import opened
from airflow_provider_openai_batch.tables.warehouses.snowflake.source import ArrowSource

LONGEST_PARTS = 3


def source(hook: Any, query: sql.Query) -> ArrowSource:
    """Read a query through Airflow's Snowflake hook."""
    return ArrowSource(driver=sql.Driver(partial(connect, hook), explain), query=query)


def target(hook: Any, parts: tuple[str, ...]) -> SqlTarget:
    """Write to a table through Airflow's Snowflake hook."""
    if len(parts) > LONGEST_PARTS:
        raise InvalidRequest(
            f"Snowflake has no table {'.'.join(parts)!r}; a name is 'table', 'schema.table', or "
            "'database.schema.table'."
        )
    return SqlTarget(parts=parts, session=partial(opened, hook, parts))
