"""One connection to Snowflake: rows are staged as files in a temporary table, and merged by one statement."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables import names
from airflow_provider_openai_batch.tables.dialect.statements import MARK
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.plan import Column, Existing
from airflow_provider_openai_batch.tables.staged_files import staged_files
from airflow_provider_openai_batch.tables.statements.ddl import add, ask_to_alter, create
from airflow_provider_openai_batch.tables.warehouses.snowflake import staging as files
from airflow_provider_openai_batch.tables.warehouses.snowflake.dialect import DIALECT
from airflow_provider_openai_batch.tables.warehouses.snowflake.driver import connect
from airflow_provider_openai_batch.tables.warehouses.snowflake.errors import IS_THERE, explain, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from airflow_provider_openai_batch.tables.dialect.merge_forms import Step
    from airflow_provider_openai_batch.tables.plan import Plan, Staging
    from airflow_provider_openai_batch.tables.sources import sql

UNLESS_THERE = ("CREATE TABLE IF NOT EXISTS ", "ALTER TABLE ")
PLACE = "SELECT CURRENT_DATABASE(), CURRENT_SCHEMA()"
#: The lengths of a text and of bytes that are declared without one: no answer is as long.
LONGEST = re.compile(r"\((?:16777216|134217728|8388608|67108864)\)")
COLLATION = re.compile(r"\s+COLLATE\s+('(?:[^']|'')*')", re.IGNORECASE)


@contextmanager
def opened(hook: Any, parts: tuple[str, ...], doing: str) -> Iterator[Session]:
    with told(doing, explain), closing(connect(hook)) as connection:
        session = Session(connection)
        session.enter(parts)
        yield session


class Session:
    """One connection; what is temporary is in the schema of the table, and goes with the connection."""

    dialect = DIALECT
    explain = staticmethod(explain)

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._stage: str | None = None
        self._temporary: list[str] = []
        self._schema: tuple[str, ...] = ()

    def enter(self, parts: tuple[str, ...]) -> None:
        """Work in the schema of the table: that of its name, else that of the connection."""
        [place] = self._rows(PLACE)
        *given, table = parts
        schema = (*place[: 2 - len(given)], *given)
        if not all(schema):
            raise InvalidRequest(
                f"Table {table!r} is in no database or schema: write 'database.schema.table', or name them "
                "in the connection (Schema, and 'database' in its extra)."
            )
        self._schema = schema
        if tuple(place) != schema:
            self._execute(f"USE SCHEMA {DIALECT.qualified(schema)}")

    def find(self, parts: tuple[str, ...]) -> Existing | None:
        tables = (
            f"SELECT TABLE_NAME FROM {DIALECT.quote(self._schema[0])}.INFORMATION_SCHEMA.TABLES "
            "WHERE TABLE_SCHEMA = %s AND UPPER(TABLE_NAME) = UPPER(%s)"
        )
        found = [row[0] for row in self._rows(tables, self._schema[1], parts[-1])]
        table = names.find(parts[-1], found)
        if table is None:
            return None
        place = (*self._schema, table)
        columns = self._named_rows(f"DESCRIBE TABLE {DIALECT.qualified(place)}")
        return Existing(parts=place, columns=tuple(map(_column, columns)), unique=())

    def stage(self, staging: Staging, batches: Iterator[pa.RecordBatch]) -> int:
        """Upload file after file, and load all of them by one statement."""
        columns = tuple(map(files.loadable, staging.columns))
        self._execute(replace(staging, columns=columns).create(DIALECT))
        self._temporary.append(DIALECT.quote(staging.name))
        rows = 0
        with staged_files(batches, columns, files.form) as made:
            for file in made:
                self._execute(files.put(file.path, self._own_stage(), staging.name))
                rows += file.rows
        if rows:
            self._execute(files.copy(staging.name, columns, self._own_stage(), staging.name))
        return rows

    def _own_stage(self) -> str:
        """Make the session's stage when it is first needed."""
        if self._stage is None:
            name = f"batch_stage_{uuid4().hex}"
            self._execute(files.create_stage(name))
            self._stage = name
        return self._stage

    def on_a_copy(self, made: Plan) -> Plan:
        """Define the table in a temporary one; the right to make or alter the real one is asked for, too."""
        copy = replace(made, parts=(f"batch_trial_{uuid4().hex}",))
        name = DIALECT.qualified(copy.parts)
        self._temporary.append(name)
        if made.exists:
            for statement in ask_to_alter(made, DIALECT):
                self._execute(statement)
            self._execute(f"CREATE TEMPORARY TABLE {name} LIKE {DIALECT.qualified(made.parts)}")
        else:
            self._ask_to_create(made)
            self._execute(create(copy, DIALECT, temporary=True))
        for statement in add(copy, DIALECT):
            self._execute(statement)
        return copy

    def _ask_to_create(self, made: Plan) -> None:
        """Ask for the right to create a table, which a temporary one does not need."""
        asked = (*self._schema, f"batch_trial_{uuid4().hex}")
        self._execute(create(replace(made, parts=asked), DIALECT))
        self._execute(f"DROP TABLE {DIALECT.qualified(asked)}")

    def step(self, statements: Step) -> list[int]:
        """Do one statement by itself, and more of them in a transaction."""
        if len(statements) == 1:
            return [self.run(*statements[0])]
        self._execute("BEGIN")
        try:
            done = [self.run(statement, values) for statement, values in statements]
            self._execute("COMMIT")
        except BaseException:
            with suppress(Exception):
                self._execute("ROLLBACK")
            raise
        return done

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        with closing(self._connection.cursor()) as cursor:
            try:
                _execute(cursor, statement, parameters)
            except Exception as error:
                if number(error) != IS_THERE or not statement.startswith(UNLESS_THERE):
                    raise
                return 0  # two loads made it in one moment
            return int(cursor.rowcount or 0)

    def one(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        with closing(self._connection.cursor()) as cursor:
            _execute(cursor, statement, parameters)
            return int(cursor.fetchone()[0])

    def fetch(self, statement: str) -> list[sql.Row]:
        return self._rows(statement)

    def rest(self) -> bool:
        """Drop what was staged; the stage stays, empty, with the connection."""
        while self._temporary:
            self._execute(f"DROP TABLE IF EXISTS {self._temporary.pop()}")
        return True

    def _execute(self, statement: str) -> None:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(statement)

    def _rows(self, statement: str, *parameters: object) -> list[sql.Row]:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(statement, parameters) if parameters else cursor.execute(statement)
            return list(cursor.fetchall())

    def _named_rows(self, statement: str) -> list[dict[str, Any]]:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(statement)
            found = [column[0] for column in cursor.description]
            return [dict(zip(found, row, strict=True)) for row in cursor.fetchall()]


def _execute(cursor: Any, statement: str, parameters: Sequence[Any]) -> None:
    """Run a statement; with parameters, its names may hold the driver's marks."""
    if parameters:
        cursor.execute(statement.replace("%", "%%").replace(MARK, "%s"), tuple(parameters))
    else:
        cursor.execute(statement)


def _column(row: dict[str, Any]) -> Column:
    collation = COLLATION.search(row["type"])
    default = row["default"] or ""
    generated = bool(row["expression"])
    return Column(
        name=row["name"], type=LONGEST.sub("", COLLATION.sub("", row["type"])),
        collation=collation[1] if collation else None,
        nullable=row["null?"] == "Y", filled=bool(default) or generated, generated=generated,
        numbered=default.upper().startswith("IDENTITY"), exact=collation is None,
    )  # fmt: skip
