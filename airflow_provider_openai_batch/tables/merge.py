"""Rows into a database table: staged apart, then merged in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from airflow_provider_openai_batch.batch.status import RowStatus
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables import names
from airflow_provider_openai_batch.tables.base import Landing, Written
from airflow_provider_openai_batch.tables.bounds import bounds_of
from airflow_provider_openai_batch.tables.fit import plan
from airflow_provider_openai_batch.tables.held import HeldRows
from airflow_provider_openai_batch.tables.partition import fill_partition, with_partition
from airflow_provider_openai_batch.tables.plan import Existing, Plan, Staging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from airflow_provider_openai_batch.batch.bounds import Bounds
    from airflow_provider_openai_batch.tables.base import Held

#: A parameter's place: no name can hold it, so that `%` and `?` in names are never taken for one.
MARK = "\0"
LOOKING = "What the target holds cannot be read"
OURS = ", ".join(f"'{status.value}'" for status in RowStatus)


class Session(Protocol):
    """One connection to a database that results are written to."""

    dialect: str

    def find(self, parts: tuple[str, ...]) -> Existing | None:
        """Describe a table; its name is matched without case when only one matches."""
        ...

    def stage(self, staging: Staging, batches: Iterator[pa.RecordBatch]) -> int:
        """Create the temporary table and load the rows into it."""
        ...

    def transact(self, parts: tuple[str, ...], work: Callable[[], Written], *, keep: bool) -> Written:
        """Do the work in one transaction, alone among loads of the table where the database can.

        It is kept or taken back; it may be done more than once.
        """
        ...

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement and count the rows that it changed."""
        ...

    def one(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run a query that gives one number."""
        ...

    def fetch(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a query and give its rows; it reads what was staged, before any transaction."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlTarget:
    """A table of a database that has a merge."""

    parts: tuple[str, ...]
    #: Open a session, with what is being done, for its errors; it closes, rolled back, at the end.
    session: Callable[[str], AbstractContextManager[Session]]

    def check(self, landing: Landing) -> None:
        """Do the load with no rows, and take it back."""
        with self.session("The target cannot take the results") as session:
            _Load(self.parts, with_partition(landing), session).run(iter(()), lambda: None, keep=False)

    def bounds(self, landing: Landing) -> Bounds:
        """Read what the columns of an existing table take; a new one takes everything."""
        landing = with_partition(landing)
        with self.session(LOOKING) as session:
            existing = session.find(self.parts)
            if existing is None:
                return {}
            return bounds_of(plan(landing, self.parts, session.dialect, existing), session.dialect)

    def held(self, landing: Landing) -> Held | None:
        """Look the table up; what it holds is asked for later, each time on a session of its own."""
        landing = with_partition(landing)
        with self.session(LOOKING) as session:
            existing = session.find(self.parts)
            if existing is None:
                return None
            made = plan(landing, self.parts, session.dialect, existing)
            return HeldRows(made=made, dialect=session.dialect, session=lambda: self.session(LOOKING))

    def write(
        self, landing: Landing, batches: Iterator[pa.RecordBatch], guard: Callable[[], None]
    ) -> Written:
        landing = with_partition(landing)
        with self.session("The results cannot be written") as session:
            return _Load(self.parts, landing, session).run(fill_partition(landing, batches), guard, keep=True)


@dataclass(frozen=True, slots=True)
class _Load:
    """One load on one session."""

    parts: tuple[str, ...]
    landing: Landing
    session: Session

    def run(self, batches: Iterator[pa.RecordBatch], guard: Callable[[], None], *, keep: bool) -> Written:
        made = self._plan()
        staging = Staging(name=f"batch_staging_{uuid4().hex}", columns=made.columns)
        staged = self.session.stage(staging, batches)
        return self.session.transact(made.parts, lambda: self._land(staging.name, staged, guard), keep=keep)

    def _plan(self) -> Plan:
        return plan(self.landing, self.parts, self.session.dialect, self.session.find(self.parts))

    def _land(self, staging: str, staged: int, guard: Callable[[], None]) -> Written:
        """Merge the staged rows; the table is looked at again, for another load may have created it."""
        made = self._plan()
        if not made.exists:
            self.session.run(create(made, self.session.dialect))
        for statement in add(made, self.session.dialect):
            self.session.run(statement)
        form = Form(made, staging, self.session.dialect)
        if self.session.one(form.distinct()) != staged:
            raise InvalidRequest(
                f"The target holds two keys of the source as one (columns {', '.join(made.unique)}): "
                "their type or collation there does not tell them apart."
            )
        guard()
        done = _merge(self.session, form)
        if done.written + done.kept != staged:
            raise OpenAIBatchError(
                f"{staged} rows were staged, but {done.written} were written and {done.kept} kept: "
                "the table changed meanwhile. Nothing was written; try again."
            )
        return done


def _merge(session: Session, form: Form) -> Written:
    made = form.made
    match made.landing.mode:
        case "merge":
            kept = session.one(form.kept())
            return Written(written=session.run(form.merge()), kept=kept)
        case "append":
            session.run(form.delete([made.role("run_id") or ""]), [made.landing.run_id])
        case "replace_partition":
            partition = made.landing.partition
            session.run(form.delete([made.target_name(name) for name in partition]), list(partition.values()))
    return Written(written=session.run(form.insert()), kept=0)


def create(made: Plan, dialect: str) -> str:
    """Write the CREATE TABLE of the result's schema, with a primary key that tells its rows apart."""
    unique = made.unique
    lines = [
        column.declared(dialect) + (" NOT NULL" if column.name in unique else "") for column in made.columns
    ]
    key = ", ".join(names.quote(name, dialect) for name in unique)
    return f"CREATE TABLE {names.qualified(made.parts, dialect)} ({', '.join(lines)}, PRIMARY KEY ({key}))"


def add(made: Plan, dialect: str) -> list[str]:
    """Write the ALTER TABLE of each column that the table lacks; they are nullable."""
    table = names.qualified(made.parts, dialect)
    added = (column.declared(dialect) for column in made.columns if column.added)
    return [f"ALTER TABLE {table} ADD COLUMN {declared}" for declared in added]


@dataclass(frozen=True, slots=True)
class Form:
    """The statements of one load; `s` is the staging table, `t` the target."""

    made: Plan
    staging: str
    dialect: str

    @property
    def target(self) -> str:
        return names.qualified(self.made.parts, self.dialect)

    @property
    def columns(self) -> list[str]:
        return [self.quote(column.name) for column in self.made.columns]

    def quote(self, name: str) -> str:
        return names.quote(name, self.dialect)

    def distinct(self) -> str:
        """Count the staged keys as the target tells them apart."""
        key = ", ".join(self.quote(name) for name in self.made.unique)
        return f"SELECT count(*) FROM (SELECT DISTINCT {key} FROM {self.quote(self.staging)}) AS k"

    def free(self, newer: str) -> str:
        """Say which rows of the target may be overwritten: ours, and not of a later snapshot."""
        status = f"t.{self.quote(self.made.role('status') or '')}"
        snapshot = self.quote(self.made.role("snapshot_at") or "")
        return (
            f"({status} IS NULL OR {status} IN ({OURS})) "
            f"AND (t.{snapshot} IS NULL OR t.{snapshot} <= {newer}.{snapshot})"
        )

    @property
    def same(self) -> str:
        return " AND ".join(f"t.{name} = s.{name}" for name in map(self.quote, self.made.unique))

    def kept(self) -> str:
        return (
            f"SELECT count(*) FROM {self.quote(self.staging)} AS s JOIN {self.target} AS t "
            f"ON {self.same} WHERE ({self.free('s')}) IS NOT TRUE"
        )

    def insert(self) -> str:
        columns = ", ".join(self.columns)
        rows = f"SELECT {columns} FROM {self.quote(self.staging)} AS s"
        return f"INSERT INTO {self.target} AS t ({columns}) {rows}"

    def delete(self, columns: Sequence[str]) -> str:
        types_of = {column.name: column.type for column in self.made.columns}
        tests = " AND ".join(f"{self.quote(name)} = {self.value(types_of[name])}" for name in columns)
        return f"DELETE FROM {self.target} WHERE {tests}"

    def value(self, kind: str) -> str:
        """Write a parameter as a value of a column's type; SQLite has no types to cast to."""
        return MARK if self.dialect == "sqlite" else f"CAST({MARK} AS {kind})"

    def merge(self) -> str:
        return self._matched() if self.dialect == "duckdb" else self._conflict()

    def _conflict(self) -> str:
        key = ", ".join(self.quote(name) for name in self.made.unique)
        changed = ", ".join(f"{name} = excluded.{name}" for name in self.columns)
        return (
            f"{self.insert()} WHERE TRUE ON CONFLICT ({key}) "
            f"DO UPDATE SET {changed} WHERE {self.free('excluded')}"
        )

    def _matched(self) -> str:
        key = {self.quote(name) for name in self.made.unique}
        changed = ", ".join(f"{name} = s.{name}" for name in self.columns if name not in key)
        values = ", ".join(f"s.{name}" for name in self.columns)
        return (
            f"MERGE INTO {self.target} AS t USING {self.quote(self.staging)} AS s ON {self.same} "
            f"WHEN MATCHED AND {self.free('s')} THEN UPDATE SET {changed} "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(self.columns)}) VALUES ({values})"
        )
