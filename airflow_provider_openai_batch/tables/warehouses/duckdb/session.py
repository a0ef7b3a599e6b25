"""One connection to DuckDB: it takes results as registered Arrow, in one transaction, never row by row."""

from __future__ import annotations

import logging
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import duckdb
import sqlglot
from sqlglot import exp

from airflow_provider_openai_batch.tables.dialect.statements import MARK
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.grouping import grouped
from airflow_provider_openai_batch.tables.plan import Column, Existing, Staging
from airflow_provider_openai_batch.tables.warehouses.duckdb.dialect import DIALECT
from airflow_provider_openai_batch.tables.warehouses.duckdb.driver import connect, is_limited
from airflow_provider_openai_batch.tables.warehouses.duckdb.errors import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from airflow_provider_openai_batch.tables.landing import Written
    from airflow_provider_openai_batch.tables.sources import sql
    from airflow_provider_openai_batch.tables.warehouses.duckdb.driver import Sleep

log = logging.getLogger(__name__)

#: What a load may use, where the connection sets nothing, before DuckDB spills to its temporary folder; each
#: thread needs a part of it. With 112 MB, 1,500,000 rows over as many ran out of it, and then took 1.3 GB.
WRITE_MEMORY, THREADS = "160MB", 2
#: What is staged by one statement.
STAGED_ROWS, STAGED_BYTES = 16_384, 16 << 20
#: How often a transaction that met another one is done again.
TRIES = 20


@contextmanager
def opened(hook: Any, sleep: Sleep, doing: str) -> Iterator[Session]:
    with told(doing, explain), closing(connect(hook, sleep)) as connection:
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET default_collation = ''")  # keys are told apart as its unique indexes do
        if not is_limited(hook):
            connection.execute(f"SET memory_limit = '{WRITE_MEMORY}'")
            connection.execute(f"SET threads = {THREADS}")
        yield Session(connection, sleep, limited=is_limited(hook))


TABLES = """
SELECT database_name, schema_name, table_name FROM duckdb_tables()
WHERE lower(table_name) = lower(?) AND lower(schema_name) = lower(coalesce(?, current_schema()))
  AND lower(database_name) = lower(coalesce(?, current_database()))
"""
COLUMNS = """
SELECT column_name, data_type, is_nullable, column_default IS NOT NULL FROM duckdb_columns()
WHERE database_name = ? AND schema_name = ? AND table_name = ? ORDER BY column_index
"""
CONSTRAINTS = """
SELECT constraint_column_names FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE')
  AND database_name = ? AND schema_name = ? AND table_name = ?
"""
REFERRING = """
SELECT count(*) FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'
  AND database_name = ? AND schema_name = ? AND referenced_table = ?
"""
INDEXES = """
SELECT sql FROM duckdb_indexes() WHERE is_unique
  AND database_name = ? AND schema_name = ? AND table_name = ?
"""


class Session:
    """One connection; rows are staged in its temporary database, before the transaction."""

    dialect = DIALECT
    explain = staticmethod(explain)

    def __init__(self, connection: Any, sleep: Sleep, *, limited: bool = True) -> None:
        self._connection = connection
        self._sleep = sleep
        #: The memory that it has is all that it may use.
        self._limited = limited

    def find(self, parts: tuple[str, ...]) -> Existing | None:
        table, schema, database = (*reversed(parts), None, None)[:3]
        found = self._rows(TABLES, table, schema, database)
        if not found:
            return None
        place = tuple(found[0])
        columns = tuple(
            Column(name=name, type=kind, nullable=nullable, filled=filled, words=_words(kind))
            for name, kind, nullable, filled in self._rows(COLUMNS, *place)
        )
        unique = [frozenset(row[0]) for row in self._rows(CONSTRAINTS, *place)]
        indexes = [_index_columns(row[0]) for row in self._rows(INDEXES, *place)]
        return Existing(
            parts=place,
            columns=columns,
            unique=(*unique, *filter(None, indexes)),
            referred=bool(self._rows(REFERRING, *place)[0][0]),
        )

    def _rows(self, statement: str, *parameters: object) -> list[sql.Row]:
        return self._connection.execute(statement, list(parameters)).fetchall()  # type: ignore[no-any-return]

    def stage(self, staging: Staging, batches: Iterator[pa.RecordBatch]) -> int:
        self._connection.execute(staging.create(DIALECT))
        chosen = [column.field.name for column in staging.columns]

        def put(group: pa.Table) -> int:
            table = group.select(chosen).rename_columns([f"c{index}" for index in range(len(chosen))])
            return self._insert(staging.name, table)

        # A loop would hold a group until the next one is there.
        return sum(map(put, grouped(batches, STAGED_ROWS, STAGED_BYTES)))

    def _insert(self, staging: str, table: pa.Table) -> int:
        view = f"batch_arrow_{uuid4().hex}"
        insert = f"INSERT INTO {DIALECT.quote(staging)} SELECT * FROM {view}"
        self._connection.register(view, table)
        try:
            self._connection.execute(insert)
        except duckdb.OutOfMemoryException:
            self._lift()
            self._connection.execute(insert)
        self._connection.unregister(view)
        return table.num_rows  # type: ignore[no-any-return]

    def transact(self, parts: tuple[str, ...], work: Callable[[], Written], *, keep: bool) -> Written:  # noqa: ARG002
        """Do the work again when another transaction of this process was faster."""
        for turn in range(1, TRIES + 1):
            self._connection.execute("BEGIN")
            try:
                done = work()
                self._connection.execute("COMMIT" if keep else "ROLLBACK")
            except duckdb.OutOfMemoryException:
                self._rollback()
                self._lift()
            except duckdb.TransactionException:
                self._rollback()
                if turn == TRIES:
                    raise
                self._sleep(turn / 10)
            except BaseException:
                self._rollback()
                raise
            else:
                return done
        raise AssertionError

    def _lift(self) -> None:
        """Go on with DuckDB's own limit, once; raises the error at hand when that is used already."""
        if self._limited:
            raise  # noqa: PLE0704  (called while an error is handled)
        self._connection.execute("RESET memory_limit")
        self._limited = True

    def _rollback(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error:  # a failed COMMIT has ended the transaction
            log.debug("No transaction to roll back.")

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        rows = self._rows(statement.replace(MARK, "?"), *parameters)
        return int(rows[0][0]) if rows else 0

    def one(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return self.run(statement, parameters)

    def fetch(self, statement: str) -> list[sql.Row]:
        return self._rows(statement)

    def rest(self) -> bool:
        """Keep nothing: while a connection is open, no other process opens the file."""
        return False


def _words(kind: str) -> tuple[str, ...] | None:
    """Read the words of an enum, or of a list of one."""
    if not kind.startswith("ENUM("):
        return None
    found = exp.DataType.build(kind, dialect=DIALECT.name).find_all(exp.Literal)
    return tuple(literal.name for literal in found if literal.is_string)


def _index_columns(statement: str) -> frozenset[str] | None:
    """Read the columns of a unique index; None when it is over an expression."""
    index = sqlglot.parse_one(statement, read=DIALECT.name).find(exp.Index)
    parts = [
        part.this if isinstance(part, exp.Ordered) else part for part in index.args["params"].args["columns"]
    ]
    return frozenset(part.name for part in parts) if all(isinstance(p, exp.Column) for p in parts) else None
