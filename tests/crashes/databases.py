"""The databases at both ends of a crash point: a place of its own for each, and a reader's view of it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tests.servers import Postgres

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TICKETS = [(number, f"ticket {min(number, 9)} does not print") for number in range(1, 11)]
#: What the table holds before the run: three rows that failed in an earlier run, and one of another source.
AGE = (
    "UPDATE labels SET label = NULL, batch_status = 'failed', batch_attempt = 3 WHERE id <= 3",
    "UPDATE labels SET id = 99 WHERE id = 4",
    "UPDATE labels SET batch_run_id = 'earlier', batch_snapshot_at = '2020-01-01T00:00:00.000000Z'",
    "DELETE FROM labels WHERE id BETWEEN 5 AND 10",
)
SOURCE = {"conn_id": "warehouse", "sql": "select * from tickets", "key": "id"}
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The two ends of one run."""

    folder: Path
    environ: dict[str, str]
    source: dict[str, Any]
    target: dict[str, Any]


class Database(Protocol):
    """A kind of database; places of it are made from what the first run left."""

    name: str
    #: Another process can read while a writer is in the middle of its work.
    shared: bool

    def first(self, folder: Path) -> Place:
        """Make a place that has a source and no target."""
        ...

    def keep(self, place: Place) -> None:
        """Take the target of a place, aged, as what later places begin with."""
        ...

    def place(self, folder: Path) -> Place:
        """Make a place that begins with the kept target."""
        ...

    def read(self, place: Place) -> list[Row] | None:
        """Read the target as any reader does; None while there is no table."""
        ...

    def left(self, place: Place) -> list[str]:
        """Name what a load has left behind beside the target."""
        ...


@dataclass
class FileDatabase:
    """A database that is one file."""

    name: str
    suffix: str
    connect: Callable[[str], Any]
    #: Run a query on a connection.
    query: Callable[[Any, str], list[Row]]
    #: The table that lists the tables, and its column of names.
    tables: tuple[str, str]
    shared: bool
    mode: dict[str, Any] = field(default_factory=dict)
    _kept: Path | None = None

    def first(self, folder: Path) -> Place:
        place = self._place(folder)
        with_rows = ", ".join(f"({number}, '{body}')" for number, body in TICKETS)
        create = "CREATE TABLE tickets (id bigint, body varchar)"
        self._execute(place, create, f"INSERT INTO tickets VALUES {with_rows}")
        return place

    def keep(self, place: Place) -> None:
        self._execute(place, *AGE)
        self._kept = self._file(place)

    def place(self, folder: Path) -> Place:
        place = self._place(folder)
        assert self._kept is not None
        shutil.copyfile(self._kept, self._file(place))
        return place

    def read(self, place: Place) -> list[Row] | None:
        if "labels" not in self._tables(place):
            return None
        with closing(self.connect(str(self._file(place)))) as connection:
            return self.query(connection, "SELECT * FROM labels ORDER BY id, batch_run_id")

    def left(self, place: Place) -> list[str]:
        ours = self._file(place)
        beside = [str(path) for path in ours.parent.iterdir() if path != ours]
        return beside + sorted(self._tables(place) - {"labels", "tickets"})

    def _tables(self, place: Place) -> set[str]:
        listing, name = self.tables
        with closing(self.connect(str(self._file(place)))) as connection:
            rows = connection.execute(
                f"SELECT {name} FROM {listing} WHERE {name} NOT LIKE 'sqlite_%'"
            ).fetchall()
        return {row[0] for row in rows}

    def _execute(self, place: Place, *statements: str) -> None:
        with closing(self.connect(str(self._file(place)))) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def _file(self, place: Place) -> Path:
        return place.folder / "database" / f"warehouse.{self.suffix}"

    def _place(self, folder: Path) -> Place:
        (folder / "database").mkdir()
        file = folder / "database" / f"warehouse.{self.suffix}"
        environ = {"AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": self.name, "host": str(file)})}
        target = {"conn_id": "warehouse", "table": "labels", **self.mode}
        return Place(folder=folder, environ=environ, source=SOURCE, target=target)


@dataclass
class PostgresDatabase:
    """A server; each place has a schema of its own."""

    server: Any
    mode: dict[str, Any] = field(default_factory=dict)
    name: str = "postgres"
    #: What the connection says besides; a setting of psycopg's own keeps ADBC away.
    extra: dict[str, Any] = field(default_factory=dict)
    shared: bool = True
    _kept: str = ""

    def __post_init__(self) -> None:
        self._database = Postgres(self.server.get_uri(), "postgres")

    def first(self, folder: Path) -> Place:
        place = self._place(folder)
        with_rows = ", ".join(f"({number}, '{body}')" for number, body in TICKETS)
        self._database.execute(
            "DROP TABLE IF EXISTS tickets; CREATE TABLE tickets (id bigint, body text); "
            f"INSERT INTO tickets VALUES {with_rows}"
        )
        return place

    def keep(self, place: Place) -> None:
        schema = self._schema(place)
        self._database.execute(f"SET search_path TO {schema}; {'; '.join(AGE)}")
        self._kept = schema

    def place(self, folder: Path) -> Place:
        place = self._place(folder)
        schema = self._schema(place)
        self._database.execute(
            f"CREATE TABLE {schema}.labels (LIKE {self._kept}.labels INCLUDING ALL); "
            f"INSERT INTO {schema}.labels SELECT * FROM {self._kept}.labels"
        )
        return place

    def read(self, place: Place) -> list[Row] | None:
        schema = self._schema(place)
        if not self._database.execute(f"SELECT to_regclass('{schema}.labels') IS NOT NULL")[0][0]:
            return None
        columns = self._database.execute(
            "SELECT column_name FROM information_schema.columns "
            f"WHERE table_schema = '{schema}' AND table_name = 'labels' ORDER BY ordinal_position"
        )
        rows = self._database.execute(f"SELECT * FROM {schema}.labels ORDER BY id, batch_run_id")
        return rows_of(columns, rows)

    def left(self, place: Place) -> list[str]:
        """Name tables of staging that no session holds: those of a session go with it."""
        found = self._database.execute(
            "SELECT relname::text FROM pg_class WHERE relname LIKE 'batch%' AND relpersistence <> 't'"
        )
        self._database.execute(f"DROP SCHEMA {self._schema(place)} CASCADE")
        return [row[0] for row in found]

    def _place(self, folder: Path) -> Place:
        schema = f"place_{uuid4().hex}"
        self._database.execute(f"CREATE SCHEMA {schema}")
        environ = {"AIRFLOW_CONN_WAREHOUSE": json.dumps(self._database.fields(extra=self.extra))}
        target = {"conn_id": "warehouse", "table": [schema, "labels"], **self.mode}
        return Place(folder=folder, environ=environ, source=SOURCE, target=target)

    def _schema(self, place: Place) -> str:
        return str(place.target["table"][0])


@dataclass
class ParquetDatabase:
    """A folder of Parquet files."""

    mode: dict[str, Any]
    name: str = "parquet"
    shared: bool = True
    _kept: Path | None = None

    def first(self, folder: Path) -> Place:
        place = self._place(folder)
        numbers, bodies = zip(*TICKETS, strict=True)
        table = pa.table({"id": pa.array(numbers, pa.int64()), "body": bodies})
        pq.write_table(table, folder / "tickets.parquet")
        return place

    def keep(self, place: Place) -> None:
        """Keep other rows under the same name: the first rows of the file, as if the rest had been lost."""
        [file] = self._files(place)
        pq.write_table(pq.ParquetFile(file).read().slice(0, 4), file)
        self._kept = place.folder

    def place(self, folder: Path) -> Place:
        assert self._kept is not None
        shutil.copyfile(self._kept / "tickets.parquet", folder / "tickets.parquet")
        shutil.copytree(self._kept / "labels", folder / "labels")
        return self._place(folder)

    def read(self, place: Place) -> list[Row] | None:
        files = self._files(place)
        rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
        return sorted(rows, key=lambda row: row["id"]) if files else None

    def left(self, place: Place) -> list[str]:
        """Name unfinished files that a reader would take for results."""
        files = [path for path in (place.folder / "labels").rglob("*") if path.is_file()]
        return [str(path) for path in files if path.name.startswith((".", "_")) and path.suffix == ".parquet"]

    def _files(self, place: Place) -> list[Path]:
        return sorted(path for path in (place.folder / "labels").rglob("*.parquet") if path.name[0] != ".")

    def _place(self, folder: Path) -> Place:
        source = {"path": f"file://{folder}/tickets.parquet", "key": "id"}
        target = {"path": f"file://{folder}/labels", **self.mode}
        return Place(folder=folder, environ={}, source=source, target=target)


def sqlite(**mode: Any) -> FileDatabase:
    """Give SQLite with a way of writing."""

    def query(connection: Any, statement: str) -> list[Row]:
        cursor = connection.execute(statement)
        return rows_of(cursor.description, cursor.fetchall())

    return FileDatabase(
        name="sqlite",
        suffix="db",
        connect=sqlite3.connect,
        query=query,
        tables=("(SELECT name FROM sqlite_master WHERE type = 'table')", "name"),
        shared=True,
        mode=mode,
    )


def duck(**mode: Any) -> FileDatabase:
    """Give DuckDB, whose file one process holds at a time."""

    def query(connection: Any, statement: str) -> list[Row]:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.sql(statement).to_arrow_table().to_pylist()

    return FileDatabase(
        name="duckdb",
        suffix="duckdb",
        connect=duckdb.connect,
        query=query,
        tables=("duckdb_tables()", "table_name"),
        shared=False,
        mode=mode,
    )


def rows_of(description: Any, rows: list[tuple[Any, ...]]) -> list[Row]:
    """Give rows by the names of their columns."""
    names = [column[0] for column in description]
    return [dict(zip(names, row, strict=True)) for row in rows]
