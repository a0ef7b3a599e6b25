"""One connection to SQLite: rows are staged in its temporary database, and merged by ON CONFLICT."""

from __future__ import annotations

from contextlib import closing, contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from airflow_provider_openai_batch.batch.text import values
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables import names
from airflow_provider_openai_batch.tables.dialect.statements import MARK
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.plan import Column, Existing, Staging
from airflow_provider_openai_batch.tables.warehouses.sqlite.dialect import DIALECT
from airflow_provider_openai_batch.tables.warehouses.sqlite.driver import connect
from airflow_provider_openai_batch.tables.warehouses.sqlite.errors import explain

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_openai_batch.tables.landing import Written
    from airflow_provider_openai_batch.tables.sources import sql

BINARY = DIALECT.quote("BINARY")


@contextmanager
def opened(hook: Any, doing: str) -> Iterator[Session]:
    with told(doing, explain), closing(connect(hook)) as connection:
        yield Session(connection)


class Session:
    """One connection; rows are staged in the temporary database, so that others wait for the merge only."""

    dialect = DIALECT
    explain = staticmethod(explain)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._staged: list[str] = []

    def find(self, parts: tuple[str, ...]) -> Existing | None:
        schema, wanted = _split(parts)
        listing = f"SELECT name FROM {DIALECT.quote(schema)}.sqlite_master WHERE type = 'table'"
        table = names.find(wanted, (row[0] for row in self._connection.execute(listing)))
        if table is None:
            return None
        rows = self._rows(
            'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?, ?)',
            table,
            schema,
        )
        unique, collations = self._unique(table, schema)
        primary = frozenset(row[0] for row in rows if row[4])
        columns = tuple(
            Column(
                name=row[0], type=row[1], collation=collations.get(row[0]),
                nullable=not row[2], filled=row[3] is not None or row[5] > 1, generated=row[5] > 1,
                exact=collations.get(row[0], BINARY).upper() == BINARY,
            )
            for row in rows
        )  # fmt: skip
        return Existing(
            parts=(schema, table), columns=columns, unique=unique + ((primary,) if primary else ())
        )

    def _unique(self, table: str, schema: str) -> tuple[tuple[frozenset[str], ...], dict[str, str]]:
        listing = 'SELECT name FROM pragma_index_list(?, ?) WHERE "unique" = 1 AND partial = 0'
        unique: list[frozenset[str]] = []
        collations: dict[str, str] = {}
        for (index,) in self._rows(listing, table, schema):
            parts = self._rows("SELECT name, coll FROM pragma_index_xinfo(?, ?) WHERE key = 1", index, schema)
            if all(name is not None for name, _ in parts):
                unique.append(frozenset(name for name, _ in parts))
                collations |= {name: DIALECT.quote(collation) for name, collation in parts}
        return tuple(unique), collations

    def _rows(self, statement: str, *parameters: str) -> list[sql.Row]:
        return self._connection.execute(statement, parameters).fetchall()

    def stage(self, staging: Staging, batches: Iterator[pa.RecordBatch]) -> int:
        self._connection.execute(staging.create(DIALECT))
        self._staged.append(staging.name)
        marks = ", ".join("?" * len(staging.columns))
        insert = f"INSERT INTO {DIALECT.quote(staging.name)} VALUES ({marks})"
        staged = 0
        for batch in batches:
            columns = [stored(batch.column(column.field.name)) for column in staging.columns]
            self._connection.execute("BEGIN")
            self._connection.executemany(insert, zip(*columns, strict=True))
            self._connection.execute("COMMIT")
            staged += batch.num_rows
        return staged

    def transact(self, parts: tuple[str, ...], work: Callable[[], Written], *, keep: bool) -> Written:  # noqa: ARG002
        """Lock the file for the merge; a session that ends otherwise takes its changes back."""
        self._connection.execute("BEGIN IMMEDIATE")
        done = work()
        self._connection.execute("COMMIT" if keep else "ROLLBACK")
        return done

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return self._connection.execute(
            statement.replace(MARK, "?"), [_simple(v) for v in parameters]
        ).rowcount

    def one(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        row = self._connection.execute(
            statement.replace(MARK, "?"), [_simple(v) for v in parameters]
        ).fetchone()
        return int(row[0])

    def fetch(self, statement: str) -> list[sql.Row]:
        return self._rows(statement)

    def rest(self) -> bool:
        """Drop what was staged; without a transaction nothing of the file is locked."""
        while self._staged:
            self._connection.execute(f"DROP TABLE temp.{DIALECT.quote(self._staged.pop())}")
        return True


def _split(parts: tuple[str, ...]) -> tuple[str, str]:
    match parts:
        case (table,):
            return "main", table
        case (schema, table):
            return schema, table
    raise InvalidRequest(f"SQLite has no table {'.'.join(parts)!r}; a name is 'table' or 'schema.table'.")


def _simple(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def stored(column: pa.Array) -> list[Any]:
    """Give the values as SQLite stores them: what it has no class for becomes text."""
    kind = column.type
    if pa.types.is_uint64(kind):
        column = column.cast(pa.string())
        kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column.to_pylist()  # type: ignore[no-any-return]
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return column.to_pylist()  # type: ignore[no-any-return]
    if pa.types.is_timestamp(kind):
        return moments(column)
    return values.nullable_texts(column)


def moments(column: pa.Array) -> list[str | None]:
    """Write timestamps at one width, so that their texts sort as they do."""
    zone = "" if column.type.tz is None else "Z"
    naive = column.cast(pa.int64()).cast(pa.timestamp(column.type.unit)).cast(pa.timestamp("us"), safe=False)
    return [
        None if t is None else f"{t.replace(' ', 'T')}{zone}" for t in naive.cast(pa.string()).to_pylist()
    ]
