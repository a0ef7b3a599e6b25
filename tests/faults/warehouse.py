"""A real database at both ends of a run, read by somebody else while it is written."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCE, TARGET = "tickets", "answers"
COLUMNS = (
    "id", "answer", "batch_status", "batch_custom_id", "batch_attempt", "batch_snapshot_at", "batch_cost_usd",
)  # fmt: skip
#: Seconds between two reads of a reader that never rests.
PAUSE = 0.002

Rows = tuple[tuple[Any, ...], ...]


@dataclass(slots=True)
class Warehouse:
    """A database file of SQLite or DuckDB; `seen` holds every state of the target that was ever read."""

    folder: Path
    database: str = "sqlite"
    seen: set[Rows] = field(default_factory=set)

    @property
    def connection(self) -> dict[str, Any]:
        """Return the Airflow connection."""
        return {"conn_type": self.database, "host": str(self._path)}

    @property
    def _path(self) -> Path:
        return self.folder / f"warehouse.{self.database}"

    def fill(self, rows: dict[int, str]) -> None:
        """Replace the source by these rows, in their order."""
        with closing(self._connect()) as connected:
            connected.execute(f"drop table if exists {SOURCE}")
            connected.execute(f"create table {SOURCE} (id integer, body varchar)")
            connected.executemany(f"insert into {SOURCE} values (?, ?)", list(rows.items()))
            connected.commit()

    def read(self) -> Rows:
        """Return the target's rows by key; none when there is no table."""
        with closing(self._connect()) as connected:
            try:
                texts = ", ".join(f"cast({name} as varchar)" for name in COLUMNS)
                found = connected.execute(f"select {texts} from {TARGET}").fetchall()
            except (sqlite3.OperationalError, duckdb.CatalogException) as error:
                if "no such table" not in str(error) and "does not exist" not in str(error):
                    raise
                return ()
        return tuple(sorted(tuple(map(str, row)) for row in found))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Let somebody read the target again and again; a DuckDB file has one user at a time."""
        if self.database == "duckdb":
            yield
            return
        over = threading.Event()

        def watch() -> None:
            while not over.wait(PAUSE):
                self.seen.add(self.read())

        reader = threading.Thread(target=watch)
        reader.start()
        try:
            yield
        finally:
            over.set()
            reader.join()

    def _connect(self) -> Any:
        if self.database == "duckdb":
            return duckdb.connect(str(self._path))
        return sqlite3.connect(self._path, timeout=60)
