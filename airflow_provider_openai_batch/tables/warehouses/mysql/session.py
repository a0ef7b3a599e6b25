"""One connection to MySQL or MariaDB: it takes results by INSERTs of many rows, and merges them."""

from __future__ import annotations

import hashlib
import re
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa

from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables import names
from airflow_provider_openai_batch.tables.dialect.statements import MARK
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.plan import Column, Existing, Staging, TargetColumn
from airflow_provider_openai_batch.tables.statements.ddl import add, create
from airflow_provider_openai_batch.tables.warehouses.mysql import driver
from airflow_provider_openai_batch.tables.warehouses.mysql.dialect import DIALECT
from airflow_provider_openai_batch.tables.warehouses.mysql.errors import (
    COLUMN_IS_THERE,
    DEADLOCK,
    explain,
    number,
)
from airflow_provider_openai_batch.tables.warehouses.mysql.staging import insert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_openai_batch.tables.landing import Written
    from airflow_provider_openai_batch.tables.plan import Plan
    from airflow_provider_openai_batch.tables.sources import sql

#: How often a transaction that another writer's lock has ended is done again.
TRIES = 5
#: How long to wait for another load of the table, in seconds.
PATIENCE = 3600
WORD = re.compile(r"'((?:[^']|'')*)'")


@contextmanager
def opened(hook: Any, parts: tuple[str, ...], doing: str) -> Iterator[Session]:
    with told(doing, explain):
        settings = (driver.WRITING, driver.ISOLATION)
        with closing(driver.connect(hook, *settings)) as connection:
            session = Session(connection)
            session.enter(parts)
            yield session


TABLES = """
SELECT t.table_schema, t.table_name, t.engine, e.transactions
FROM information_schema.tables t LEFT JOIN information_schema.engines e ON e.engine = t.engine
WHERE t.table_schema = coalesce(%s, database()) AND lower(t.table_name) = lower(%s)
"""
COLUMNS = """
SELECT table_name, column_name, column_type, is_nullable, column_default IS NOT NULL, extra, collation_name
FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position
"""
UNIQUE = """
SELECT table_name, index_name, column_name, sub_part FROM information_schema.statistics
WHERE non_unique = 0 AND table_schema = %s AND table_name = %s ORDER BY index_name, seq_in_index
"""


class Session:
    """One connection; rows are staged in a temporary table, before the transaction."""

    dialect = DIALECT
    explain = staticmethod(explain)

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        #: What only the end of the connection would let go: temporary tables, and locks by name.
        self._temporary: list[str] = []
        self._locks: list[str] = []

    def enter(self, parts: tuple[str, ...]) -> None:
        """Work in the table's database if the connection names none."""
        if len(parts) > 1 and self._rows("SELECT database()")[0][0] is None:
            self._execute(f"USE {DIALECT.quote(parts[0])}")

    def find(self, parts: tuple[str, ...]) -> Existing | None:
        schema, wanted = parts[0] if len(parts) > 1 else None, parts[-1]
        found = {row[1]: row for row in self._rows(TABLES, schema, wanted)}
        name = names.find(wanted, found)
        if name is None:
            return None
        place, engine, transactions = (found[name][0], name), *found[name][2:]
        if transactions == "NO":
            raise InvalidRequest(
                f"Table {'.'.join(place)!r} is of the engine {engine}, which has no transactions: a load "
                "that is cut off would leave half of its rows. Change it by ALTER TABLE .. ENGINE=InnoDB."
            )
        columns = tuple(_column(row) for row in self._rows(COLUMNS, *place) if row[0] == name)
        indexes: dict[str, list[str]] = {}
        for table, index, column, cut in self._rows(UNIQUE, *place):
            if table == name:
                indexes.setdefault(index, []).append(_part(column, cut))
        return Existing(parts=place, columns=columns, unique=tuple(map(frozenset, indexes.values())))

    def stage(self, staging: Staging, batches: Iterator[pa.RecordBatch]) -> int:
        """Fill a temporary table; a TIMESTAMP in it would take the time for NULL on older servers."""
        columns = tuple(
            replace(column, type=re.sub("^timestamp", "datetime", column.type)) for column in staging.columns
        )
        with closing(driver.cursor(self._connection)) as opened:
            opened.execute(replace(staging, columns=(*columns, _number(staging))).create(DIALECT))
            table = DIALECT.quote(staging.name)
            self._temporary.append(table)
            opened.execute("SET autocommit = 0")
            rows = insert(opened, table, columns, batches)
            opened.execute("SET autocommit = 1")  # it commits
        return rows

    def on_a_copy(self, made: Plan) -> Plan:
        """Define the table in a temporary one, for here DDL is never taken back."""
        copy = replace(made, parts=(f"batch_trial_{uuid4().hex}",))
        temporary = f"CREATE TEMPORARY TABLE {DIALECT.qualified(copy.parts)}"
        self._temporary.append(DIALECT.qualified(copy.parts))
        if made.exists:
            self._ask_to_alter(made)
            self._execute(f"{temporary} LIKE {DIALECT.qualified(made.parts)}")
        else:
            self._prepare(create(made, DIALECT))
            self._execute(create(copy, DIALECT, temporary=True))
        for statement in add(copy, DIALECT):
            self._execute(statement)
        return copy

    def transact(self, parts: tuple[str, ...], work: Callable[[], Written], *, keep: bool) -> Written:
        """Wait for other loads of the table; a transaction that another's locks have ended is done again."""
        self._lock(parts)
        for turn in range(1, TRIES + 1):
            self._execute("SET autocommit = 0")  # unlike BEGIN, it goes on after the DDL that comes first
            try:
                done = work()
                self._execute("COMMIT" if keep else "ROLLBACK")
            except Exception as error:
                with suppress(Exception):
                    self._execute("ROLLBACK")
                if number(error) != DEADLOCK or turn == TRIES:
                    raise
            else:
                return done
        raise AssertionError

    def _lock(self, parts: tuple[str, ...]) -> None:
        """Take the lock of loads into tables of this name; it goes with the connection."""
        name = f"openai_batch_{hashlib.sha256(parts[-1].lower().encode()).hexdigest()[:40]}"
        [(taken,)] = self._rows("SELECT GET_LOCK(%s, %s)", name, PATIENCE)
        if taken != 1:
            raise OpenAIBatchError(
                f"Another load of table {parts[-1]!r} has not ended in an hour; try again."
            )
        self._locks.append(name)

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        with closing(driver.cursor(self._connection)) as opened:
            self._run(opened, statement, parameters)
            return int(opened.rowcount)

    def one(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        with closing(driver.cursor(self._connection)) as opened:
            self._run(opened, statement, parameters)
            return int(opened.fetchone()[0])

    def fetch(self, statement: str) -> list[sql.Row]:
        return self._rows(statement)

    def rest(self) -> bool:
        """End the transaction, drop what was staged, and let other loads of the table begin."""
        self._execute("ROLLBACK")
        self._execute("SET autocommit = 1")
        while self._temporary:
            self._execute(f"DROP TEMPORARY TABLE IF EXISTS {self._temporary.pop()}")
        while self._locks:
            self._rows("SELECT RELEASE_LOCK(%s)", self._locks.pop())
        return True

    @staticmethod
    def _run(opened: Any, statement: str, parameters: Sequence[Any]) -> None:
        """Run a statement; with parameters it is prepared, for names in it may hold a driver's marks."""
        if not parameters:
            opened.execute(statement)
            return
        opened.execute("SET @batch_statement = %s", [statement.replace(MARK, "?")])
        opened.execute("PREPARE batch_statement FROM @batch_statement")
        variables = [f"@batch_{place}" for place in range(len(parameters))]
        for variable, value in zip(variables, parameters, strict=True):
            opened.execute(f"SET {variable} = %s", [value])
        opened.execute(f"EXECUTE batch_statement USING {', '.join(variables)}")

    def _prepare(self, statement: str) -> None:
        """Let the server read a statement, and ask for the right to it, without doing it."""
        with closing(driver.cursor(self._connection)) as opened:
            opened.execute("SET @batch_statement = %s", [statement])
            opened.execute("PREPARE batch_statement FROM @batch_statement")

    def _ask_to_alter(self, made: Plan) -> None:
        """Ask for the right to alter the table by what no table takes: a second column of one name."""
        there = next(column for column in made.columns if not column.added)
        statement = f"ALTER TABLE {DIALECT.qualified(made.parts)} ADD COLUMN {there.declared(DIALECT)}"
        try:
            self._execute(statement)
        except Exception as error:
            if number(error) != COLUMN_IS_THERE:
                raise

    def _execute(self, statement: str) -> None:
        with closing(driver.cursor(self._connection)) as opened:
            opened.execute(statement)

    def _rows(self, statement: str, *parameters: object) -> list[sql.Row]:
        with closing(driver.cursor(self._connection)) as opened:
            opened.execute(statement, parameters) if parameters else opened.execute(statement)
            return [tuple(map(_decoded, row)) for row in opened.fetchall()]


def _number(staging: Staging) -> TargetColumn:
    """Number the rows of a staging table: servers may require a primary key of every table."""
    return TargetColumn(
        field=pa.field(staging.name, pa.int64()), name=staging.name, type="BIGINT AUTO_INCREMENT PRIMARY KEY"
    )


def _decoded(value: Any) -> Any:
    """Give text as text: some clients take a long one of a binary collation for bytes."""
    return bytes(value).decode(errors="replace") if isinstance(value, bytes | bytearray) else value


def _column(row: sql.Row) -> Column:
    _, name, kind, nullable, filled, extra, collation = row
    numbered = "auto_increment" in extra.lower()
    generated = re.search(r"\b(STORED|VIRTUAL|PERSISTENT)( GENERATED)?\b", extra.upper()) is not None
    return Column(
        name=name, type=kind, collation=collation, nullable=nullable == "YES",
        filled=bool(filled) or numbered or generated, generated=generated, numbered=numbered,
        words=tuple(word.replace("''", "'") for word in WORD.findall(kind)) or None,
        exact=collation is None or _tells_apart(kind, collation),
    )  # fmt: skip


def _tells_apart(kind: str, collation: str) -> bool:
    """Tell whether texts that differ, also by blanks at their end, are never equal."""
    unpadded = "nopad" in collation or "_0900_" in collation
    return collation.endswith("_bin") and unpadded and not kind.startswith("char(")


def _part(column: str | None, cut: int | None) -> str:
    """Name a part of an index: a column, the beginning of one, or an expression."""
    if column is None:
        return "(an expression)"
    return column if cut is None else f"{column}({cut})"
