"""MySQL and MariaDB: rows by a stream, results by INSERTs of many rows and one ON DUPLICATE KEY UPDATE."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.targets.sql_target import SqlTarget
from airflow_provider_openai_batch.tables.warehouses.mysql import driver
from airflow_provider_openai_batch.tables.warehouses.mysql.errors import explain
from airflow_provider_openai_batch.tables.warehouses.mysql.session import opened
from airflow_provider_openai_batch.tables.warehouses.mysql.source import TextSource

LONGEST_PARTS = 2


def source(hook: Any, query: sql.Query) -> TextSource:
    """Read a query through Airflow's MySQL hook."""
    connect = partial(driver.connect, hook, driver.READING)
    return TextSource(driver=sql.Driver(connect, explain), query=query)


def target(hook: Any, parts: tuple[str, ...]) -> SqlTarget:
    """Write to a table through Airflow's MySQL hook."""
    if len(parts) > LONGEST_PARTS:
        raise InvalidRequest(
            f"MySQL has no table {'.'.join(parts)!r}; a name is 'table' or 'database.table'."
        )
    return SqlTarget(parts=parts, session=partial(opened, hook, parts))
