"""A query as a source: the user's SQL, wrapped, read through a driver's cursor batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables import errors, names
from airflow_provider_openai_batch.tables.errors import Explain, Written, told
from airflow_provider_openai_batch.tables.existing.held_rows import PACKED, SETTLED, TOLD
from airflow_provider_openai_batch.tables.existing.unchanged_rows import packed
from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS, next_fetch
from airflow_provider_openai_batch.tables.types import arrow_types

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.existing.held_rows import Join


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to read: one SELECT of the user, as text that is never rewritten."""

    text: str
    dialect: Dialect
    parameters: Any = None
    #: The text as the user wrote it, within `text`, and how the user calls it.
    own: str = ""
    called: str = "source['sql']"
    #: The driver reads `%` in the text as the start of a parameter when there are any.
    percent: bool = False
    #: It has no rows, whatever the database holds.
    is_empty: bool = False

    def select(self, columns: Sequence[str], where: str = "") -> str:
        """Select expressions (quoted already) from the query as a subquery on its own lines."""
        chosen, alias = ", ".join(columns), self.quoted("source")
        return f"SELECT {self._safe(chosen)} FROM (\n{self.text}\n) {alias}{self._safe(where)}"

    def written(self, statement: str) -> Written | None:
        """Find the user's SQL in a statement, for errors that name its line."""
        before, own, _ = statement.partition(self.own or self.text)
        if not own:
            return None
        return Written(called=self.called, above=before.count("\n"), lines=own.count("\n") + 1)

    def none(self) -> Query:
        """Make the same query without its rows, for its types."""
        return replace(self, text=self.select(["*"], " WHERE 1 = 0"), is_empty=True)

    def joined(self, join: Join) -> Query:
        """Add what a table of the same database holds of each row, in columns named by `held_name`."""
        source, target = (self._safe(self.quoted(alias)) for alias in ("source", "target"))
        held = ", ".join(
            f"{self.dialect.statements.unpadded(f'{target}.{self._safe(self.quoted(name))}')} "
            f"AS {self.quoted(held_name(role))}"
            for role, name in join.columns
        )
        if join.later is not None:
            held += f", {self._safe(join.later)} AS {self.quoted(held_name(LATER))}"
        if join.settled is not None:
            held += f", {self._safe(join.settled)} AS {self.quoted(held_name(SETTLED))}"
        joined = (
            f"SELECT {source}.*, {held} FROM (\n{self.text}\n) {source} "
            f"LEFT JOIN {self._safe(self.dialect.qualified(join.table))} {target} ON {self._safe(join.same)}"
        )
        made = replace(self, text=joined)
        return made if join.settled is None else made.hiding(join)

    def hiding(self, join: Join) -> Query:
        """Hide the texts of settled rows; which those are is worked out once, behind a fence."""
        mark = self.quoted(held_name(SETTLED))
        held = {role: self.quoted(held_name(role)) for role in held_roles(join)}
        digest = self.dialect.lookups.digest
        assert digest is not None
        text = packed(mark, held, digest)
        shown = [*map(self.quoted, join.shown), f"{text} AS {self.quoted(held_name(PACKED))}"]
        hidden = map(self.quoted, join.hidden)
        shown += [f"CASE WHEN {mark} THEN NULL ELSE {name} END AS {name}" for name in hidden]
        fenced = replace(self, text=f"{self.text} {self.dialect.lookups.fence}")
        return replace(self, text=fenced.select(shown))

    def quoted(self, name: str) -> str:
        """Quote a column of the query."""
        return self.dialect.quote(name)

    def _safe(self, text: str) -> str:
        return text.replace("%", "%%") if self.percent and self.parameters else text


LATER = TOLD[-1]


def roles_of(join: Join) -> list[str]:
    """Name what a joined read gives beside the columns of the source, in this order."""
    return held_roles(join) if join.settled is None else [PACKED]


def held_roles(join: Join) -> list[str]:
    """Name what a table has about a row, in the order of the columns."""
    return [*(role for role, _ in join.columns), *([] if join.later is None else [LATER])]


def held_name(role: str) -> str:
    """Name the column of a joined query that holds a fixed column of the target."""
    return f"_batch_held_{role}"


def of_sql(sql: str, parameters: object, dialect: Dialect, *, percent: bool = False) -> Query:
    """Make a query of the user's SQL without its closing semicolon."""
    own = one_statement(sql, dialect)
    return Query(text=own, own=own, parameters=parameters, dialect=dialect, percent=percent)


def of_table(table: str | Sequence[str], where: str | None, dialect: Dialect) -> Query:
    """Make a query of a table's rows, filtered by the user's condition."""
    text = f"SELECT * FROM {dialect.qualified(names.table_parts(table, dialect))}"
    if not where:
        return Query(text=text, dialect=dialect, called="source['table']")
    return Query(text=f"{text} WHERE (\n{where}\n)", own=where, dialect=dialect, called="source['where']")


def one_statement(sql: str, dialect: Dialect) -> str:
    """Drop a trailing semicolon; more than one statement is an error."""
    try:
        tokens = sqlglot.tokenize(sql, read=dialect.name or None)
    except SqlglotError:
        return sql.strip().rstrip(";").rstrip()
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        end = tokens.pop()
        sql = sql[: end.start] + sql[end.end + 1 :]
    if not tokens:
        raise InvalidRequest("source['sql'] holds no statement; write one SELECT.")
    if any(token.token_type == TokenType.SEMICOLON for token in tokens):
        raise InvalidRequest("source['sql'] holds more than one statement; write one SELECT.")
    return sql.strip()


Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Driver:
    """How to reach one database through its DB-API hook."""

    open: Callable[[], Any]
    explain: Explain = errors.dbapi

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Open a connection for one use."""
        with told("The source cannot be reached", self.explain):
            connection = self.open()
        with closing(connection):
            yield connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Columns of a query on an open connection."""

    driver: Driver
    connection: Any
    query: Query
    columns: tuple[str, ...]


class Rows(Protocol):
    """How the rows of a reading come out of the driver."""

    def fetch(self) -> Sequence[Row]:
        """Return the next rows; none at the end."""
        ...

    def seen(self, batch: pa.RecordBatch) -> None:
        """Learn from the last rows how large rows are."""
        ...

    def first(self, name: str) -> Row | None:
        """Return the first value of a column that is not NULL."""
        ...

    def close(self) -> None:
        """End the reading."""
        ...


class Stream:
    """Rows as a driver that streams gives them."""

    def __init__(self, reading: Reading) -> None:
        self._reading, self._size = reading, BATCH_ROWS
        query = reading.query
        self._cursor = reading.connection.cursor()
        self._execute(self._cursor, query.select([query.quoted(name) for name in reading.columns]))

    def fetch(self) -> Sequence[Row]:
        with told("The source cannot be read", self._reading.driver.explain):
            return self._cursor.fetchmany(self._size)  # type: ignore[no-any-return]

    def seen(self, batch: pa.RecordBatch) -> None:
        self._size = next_fetch(batch)

    def first(self, name: str) -> Row | None:
        """Ask on a connection of its own: many drivers stream one result at a time."""
        query, driver = self._reading.query, self._reading.driver
        quoted = query.quoted(name)
        with driver.connection() as connection, closing(connection.cursor()) as cursor:
            self._execute(cursor, query.select([quoted], f" WHERE {quoted} IS NOT NULL"))
            with told("The source cannot be read", driver.explain):
                return cursor.fetchone()  # type: ignore[no-any-return]

    def close(self) -> None:
        self._cursor.close()

    def _execute(self, cursor: Any, statement: str) -> None:
        query = self._reading.query
        execute(cursor, statement, query.parameters, self._reading.driver.explain, query.written(statement))


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorSource:
    """Rows of any DB-API database; columns without a declared type are typed by their first values."""

    driver: Driver
    query: Query
    #: Name the kinds (of `arrow_types.KINDS`) that the database declares, by column.
    declared: Callable[[Any, Query], dict[str, str]] = field(default=lambda _connection, _query: {})
    #: How to read: a stream, unless the driver has none.
    rows: Callable[[Reading], Rows] = Stream

    def columns(self) -> tuple[str, ...]:
        with self.driver.connection() as connection, closing(connection.cursor()) as cursor:
            statement = self.query.select(["*"], " WHERE 1 = 0")
            written = self.query.written(statement)
            execute(cursor, statement, self.query.parameters, self.driver.explain, written)
            return distinct(column[0] for column in cursor.description)

    @contextmanager
    def read(self, columns: Sequence[str]) -> Iterator[Iterator[pa.RecordBatch]]:
        with self.driver.connection() as connection:
            declared = self.declared(connection, self.query)
            reading = Reading(
                driver=self.driver, connection=connection, query=self.query, columns=tuple(columns)
            )
            with closing(self.rows(reading)) as rows:
                yield self._batches(rows, {name: declared.get(name) for name in columns})

    @staticmethod
    def _batches(source: Rows, declared: dict[str, str | None]) -> Iterator[pa.RecordBatch]:
        rows = source.fetch()
        if not rows:
            fields = [arrow_types.field_of(name, kind or "unknown") for name, kind in declared.items()]
            yield arrow_types.no_rows(pa.schema(fields))
            return
        kinds = {
            name: kind or arrow_types.infer(name, column) or _first_kind(source, name)
            for (name, kind), column in zip(declared.items(), columns_of(rows, len(declared)), strict=True)
        }
        fields = [arrow_types.field_of(name, kind) for name, kind in kinds.items()]
        while rows:
            columns = zip(fields, kinds.values(), columns_of(rows, len(fields)), strict=True)
            arrays = [arrow_types.untyped(field, kind, column) for field, kind, column in columns]
            batch = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))
            yield batch
            source.seen(batch)
            rows = source.fetch()


def _first_kind(source: Rows, name: str) -> str:
    """Type a column that is NULL in all of the first rows by its first value, if any."""
    row = source.first(name)
    return (arrow_types.infer(name, row) if row else None) or "text"


def execute(
    cursor: Any, statement: str, parameters: object, explain: Explain, written: Written | None = None
) -> None:
    """Run the user's query; without parameters none are passed, so that `%` needs no doubling."""
    with told("The source's query fails", explain, written):
        if parameters:
            cursor.execute(statement, parameters)
        else:
            cursor.execute(statement)


def columns_of(rows: Sequence[Row], width: int) -> list[tuple[Any, ...]]:
    """Turn rows into columns."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


def distinct(found: Any) -> tuple[str, ...]:
    """Refuse a query that gives two columns one name."""
    columns = tuple(found)
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise InvalidRequest(f"The source has two columns named {twice[0]!r}; give one of them an alias.")
    return columns


Opened = AbstractContextManager[Iterator[pa.RecordBatch]]
