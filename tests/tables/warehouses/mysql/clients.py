"""The client libraries that reach MySQL: those that Airflow's hook offers, and the one that stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pymysql
import pytest
from airflow.providers.common.compat.sdk import BaseHook

if TYPE_CHECKING:
    from tests.mariadb import MariaDatabase

#: mysqlclient has no wheel for Linux; PyMySQL has its interface.
CLIENTS = ("mysql-connector-python", "pymysql", "mysqlclient")


class PyMySqlHook:
    """What Airflow's hook gives where PyMySQL is installed as `MySQLdb`."""

    def __init__(self, database: MariaDatabase) -> None:
        self._database = database

    def get_conn(self) -> Any:
        """Connect with the library's own settings."""
        return pymysql.connect(
            host="127.0.0.1", port=self._database.port, user="root", database=self._database.name
        )


def hook(client: str, database: MariaDatabase, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a hook that connects by a client library; skip where that is not installed."""
    if client == "pymysql":
        return PyMySqlHook(database)
    if client == "mysqlclient":
        pytest.importorskip("MySQLdb", reason="mysqlclient is not installed")
    monkeypatch.setenv("AIRFLOW_CONN_CLIENT", database.connection(extra={"client": client}))
    return BaseHook.get_connection("client").get_hook()
