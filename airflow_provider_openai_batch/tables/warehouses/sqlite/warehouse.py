"""SQLite: dynamically typed rows in, staged rows merged by ON CONFLICT."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.targets.sql_target import SqlTarget
from airflow_provider_openai_batch.tables.warehouses.sqlite.driver import connect, declared
from airflow_provider_openai_batch.tables.warehouses.sqlite.errors import explain
from airflow_provider_openai_batch.tables.warehouses.sqlite.session import opened


def source(hook: Any, query: sql.Query) -> sql.CursorSource:
    """Read a query through Airflow's SQLite hook."""
    return sql.CursorSource(
        driver=sql.Driver(partial(connect, hook), explain), query=query, declared=declared
    )


def target(hook: Any, parts: tuple[str, ...]) -> SqlTarget:
    """Write to a table through Airflow's SQLite hook."""
    return SqlTarget(parts=parts, session=partial(opened, hook))
