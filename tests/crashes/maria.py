"""MariaDB at both ends of a crash point."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.crashes.databases import AGE, SOURCE, TICKETS, Place, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.crashes.databases import Row
    from tests.mariadb import MariaServer


@dataclass
class MariaDatabase:
    """A server; each place has a database of its own."""

    server: MariaServer
    mode: dict[str, Any] = field(default_factory=dict)
    name: str = "mariadb"
    shared: bool = True
    _kept: str = ""

    def first(self, folder: Path) -> Place:
        place = self._place(folder)
        self._source(self._schema(place))
        return place

    def keep(self, place: Place) -> None:
        """Age the target; a DATETIME has no zone."""
        self._kept = self._schema(place)
        aged = (statement.replace("T00:00", " 00:00").replace("Z'", "'") for statement in AGE)
        self.server.database(self._kept).execute(*aged)

    def place(self, folder: Path) -> Place:
        place = self._place(folder)
        schema = self._schema(place)
        self._source(schema)
        self.server.database(schema).execute(
            f"CREATE TABLE labels LIKE {self._kept}.labels",
            f"INSERT INTO labels SELECT * FROM {self._kept}.labels",
        )
        return place

    def read(self, place: Place) -> list[Row] | None:
        """Take an empty table for none: DDL commits by itself, so that a killed load may leave one."""
        database = self.server.database(self._schema(place))
        if ("labels",) not in database.execute("SHOW TABLES"):
            return None
        columns = database.execute("SHOW COLUMNS FROM labels")
        return rows_of(columns, database.execute("SELECT * FROM labels ORDER BY id, batch_run_id")) or None

    def left(self, place: Place) -> list[str]:
        """Name tables beside the two; temporary ones go with their session."""
        schema = self._schema(place)
        found = {row[0] for row in self.server.database(schema).execute("SHOW TABLES")}
        self.server.database().execute(f"DROP DATABASE {schema}")
        return sorted(found - {"labels", "tickets"})

    def _source(self, schema: str) -> None:
        rows = ", ".join(f"({number}, '{body}')" for number, body in TICKETS)
        create = "CREATE TABLE tickets (id bigint, body longtext)"
        self.server.database(schema).execute(create, f"INSERT INTO tickets VALUES {rows}")

    def _place(self, folder: Path) -> Place:
        schema = f"place_{uuid4().hex}"
        self.server.database().execute(f"CREATE DATABASE {schema}")
        environ = {"AIRFLOW_CONN_WAREHOUSE": self.server.database(schema).connection()}
        target = {"conn_id": "warehouse", "table": [schema, "labels"], **self.mode}
        return Place(folder=folder, environ=environ, source=SOURCE, target=target)

    def _schema(self, place: Place) -> str:
        return str(place.target["table"][0])
