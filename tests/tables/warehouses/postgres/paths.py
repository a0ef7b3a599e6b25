"""The ways to PostgreSQL: ADBC, and either generation of psycopg."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from airflow.providers.postgres.hooks.postgres import PostgresHook


@dataclass(frozen=True, slots=True)
class Driver:
    """A hook that is not Airflow's own, so that its driver alone is used."""

    module: str
    uri: str

    def get_conn(self) -> Any:
        return pytest.importorskip(self.module).connect(self.uri)


PATHS = ("adbc", "psycopg", "psycopg2")
#: The same, where the older generation need not be tried at every commit.
WAYS = ("adbc", "psycopg", pytest.param("psycopg2", marks=pytest.mark.long))


def hook(path: str, uri: str) -> Any:
    """Give a hook that leads to the path; ADBC is for Airflow's own, whose connection is `postgres`."""
    return PostgresHook("postgres") if path == "adbc" else Driver(path, uri)
