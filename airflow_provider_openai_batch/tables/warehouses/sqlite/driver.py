"""A connection of Airflow's SQLite hook, and what it says of a query's columns."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.warehouses.sqlite.dialect import AS_READ, DIALECT, affinity
from airflow_provider_openai_batch.tables.warehouses.sqlite.errors import explain

if TYPE_CHECKING:
    import sqlite3

BUSY_MS = 600_000


def connect(hook: Any) -> sqlite3.Connection:
    """Open a connection that waits for others and never fails on text that is not UTF-8."""
    connection: sqlite3.Connection = hook.get_conn()
    connection.isolation_level = None
    connection.row_factory = None
    connection.text_factory = text
    connection.create_function(AS_READ, 1, text, deterministic=True)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    return connection


def text(raw: bytes) -> str:
    """Read a text, which need not be UTF-8; joined queries call this, too, to compare keys as read."""
    return raw.decode("utf-8", "replace")


def declared(connection: sqlite3.Connection, query: sql.Query) -> dict[str, str]:
    """Name the kinds of the columns that have a declared type; the rest, and all NUMERIC, are untyped."""
    shape = DIALECT.quote(f"batch_shape_{uuid4().hex}")
    with closing(connection.cursor()) as cursor:
        create = f"CREATE TEMPORARY TABLE {shape} AS {query.select(['*'], ' LIMIT 0')}"
        sql.execute(cursor, create, query.parameters, explain)
        rows = cursor.execute(f"PRAGMA table_info({shape})").fetchall()
        cursor.execute(f"DROP TABLE {shape}")
    kinds = {row[1]: affinity(row[2]) for row in rows}
    return {name: kind for name, kind in kinds.items() if kind is not None}
