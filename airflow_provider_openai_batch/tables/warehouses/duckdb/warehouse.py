"""DuckDB: rows as Arrow batches, results by registered Arrow and one transaction; never row by row."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.targets.sql_target import SqlTarget
from airflow_provider_openai_batch.tables.warehouses.duckdb.driver import connect, is_limited
from airflow_provider_openai_batch.tables.warehouses.duckdb.errors import explain
from airflow_provider_openai_batch.tables.warehouses.duckdb.session import opened
from airflow_provider_openai_batch.tables.warehouses.duckdb.source import ArrowSource

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.warehouses.duckdb.driver import Sleep


def source(hook: Any, query: sql.Query, sleep: Sleep = time.sleep) -> ArrowSource:
    """Read a query through Airflow's DuckDB hook."""
    return ArrowSource(
        driver=sql.Driver(partial(connect, hook, sleep), explain), query=query, limited=is_limited(hook)
    )


def target(hook: Any, parts: tuple[str, ...], sleep: Sleep = time.sleep) -> SqlTarget:
    """Write to a table through Airflow's DuckDB hook."""
    return SqlTarget(parts=parts, session=partial(opened, hook, sleep))
