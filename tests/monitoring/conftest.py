"""A run without a scheduler, and real databases."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from tests.mariadb import mariadb, mariadb_server
from tests.monitoring.nights import Nights, in_duckdb, two_nights
from tests.servers import connect, postgres, postgres_server
from tests.steps.conftest import pipeline

__all__ = ["connect", "mariadb", "mariadb_server", "pipeline", "postgres", "postgres_server"]


@pytest.fixture(params=["duckdb", "postgres"])
def nights(request: pytest.FixtureRequest, pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """Run the two nights in a database that needs no change of the queries."""
    if request.param == "postgres":
        database = request.getfixturevalue("postgres")
        return two_nights(Nights(pipeline, database.conn_id, database.execute))
    path = pipeline.folder / "warehouse.duckdb"
    monkeypatch.setenv("AIRFLOW_CONN_DUCK", json.dumps({"conn_type": "duckdb", "host": str(path)}))
    return two_nights(Nights(pipeline, "duck", partial(in_duckdb, path)))
