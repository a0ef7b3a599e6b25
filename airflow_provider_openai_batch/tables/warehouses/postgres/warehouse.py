"""PostgreSQL: rows and results by ADBC, else by psycopg; one INSERT .. ON CONFLICT."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.targets.sql_target import SqlTarget
from airflow_provider_openai_batch.tables.warehouses.postgres import adbc_driver, psycopg_driver
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT
from airflow_provider_openai_batch.tables.warehouses.postgres.errors import explain
from airflow_provider_openai_batch.tables.warehouses.postgres.session import opened
from airflow_provider_openai_batch.tables.warehouses.postgres.source import PostgresSource


def source(hook: Any, query: sql.Query) -> PostgresSource:
    """Read a query through Airflow's PostgreSQL hook."""
    driver = sql.Driver(partial(psycopg_driver.connect, hook), explain)
    return PostgresSource(driver=driver, query=query, quick=partial(adbc_driver.connect, hook))


def target(hook: Any, parts: tuple[str, ...]) -> SqlTarget:
    """Write to a table through Airflow's PostgreSQL hook."""
    long = [part for part in parts if DIALECT.cut(part) != part]
    if long:
        raise InvalidRequest(
            f"{long[0]!r} is longer than the {DIALECT.names.most_bytes} bytes of a PostgreSQL name."
        )
    return SqlTarget(parts=parts, session=partial(opened, hook))
