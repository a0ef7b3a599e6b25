"""A connection of Airflow's DuckDB hook: one process at a time, with bounded memory."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Callable

    Sleep = Callable[[float], object]

log = logging.getLogger(__name__)

#: How long to wait for another process that holds the file, and how often to look.
PATIENCE = 600.0
LOOK, MOMENT = 5.0, 0.05


def connect(hook: Any, sleep: Sleep) -> Any:
    """Open the database; while another process holds the file, wait for it."""
    waited = 0.0
    while True:
        try:
            connection = hook.get_conn()
        except duckdb.Error as error:
            pause = _pause(error)
            if not pause or waited >= PATIENCE:
                raise
            sleep(pause)
            waited += pause
        else:
            connection.execute("SET TimeZone = 'UTC'")
            return connection


def _pause(error: duckdb.Error) -> float:
    """Say how long to wait for whoever holds the file; 0 when nobody does."""
    if isinstance(error, duckdb.IOException) and "lock" in str(error):
        log.info("Another process holds the DuckDB file; looking again in %.0f s.", LOOK)
        return LOOK
    # A thread of this process is about to open or close it.
    return MOMENT if type(error).__name__ == "ResourceInUseException" else 0.0


def is_limited(hook: Any) -> bool:
    """Tell whether the connection itself says how much memory DuckDB may use."""
    given = {"memory_limit", "max_memory"} & set(getattr(hook, "settings", ()))
    return bool(given or getattr(hook, "memory_limit", None))
