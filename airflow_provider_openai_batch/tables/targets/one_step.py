"""A load where no transaction holds all of it: tables are defined first, and one step changes the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.landing import Written
from airflow_provider_openai_batch.tables.session import Committing
from airflow_provider_openai_batch.tables.statements.ddl import add, create
from airflow_provider_openai_batch.tables.statements.load_statements import LoadStatements

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.tables.plan import Plan
    from airflow_provider_openai_batch.tables.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class OneStep:
    """Staged rows, and the table that they are to meet."""

    session: Session
    #: Do the step's statements, all or none.
    step: Callable[..., list[int]]
    #: Look at the table, and fit the load to it.
    plan: Callable[[], Plan]
    staging: str
    staged: int

    def land(self, guard: Callable[[], None], *, keep: bool) -> Written:
        """Check the keys, define what the table lacks, and let the staged rows meet it."""
        guard()  # nothing is defined for a load that is outdated, or that would fail
        made = self.plan()
        sql = LoadStatements(made, self.staging, self.session.dialect)
        require_distinct(self.session, sql, self.staged)
        if self.staged and made.exists and made.landing.mode != "replace_partition":
            self._refuse_twice(sql)
        sql = LoadStatements(self._defined(made, keep=keep), self.staging, self.session.dialect)
        guard()
        written = self.step(sql.step(trial=not keep))[-1]
        if written > self.staged:
            raise _twice(sql, written - self.staged)
        return Written(written=written, kept=self.staged - written)

    def _defined(self, made: Plan, *, keep: bool) -> Plan:
        """Create the table, or what it lacks; another load may be doing the same."""
        dialect = self.session.dialect
        statements = add(made, dialect) if made.exists else [create(made, dialect)]
        if not statements:
            return made
        if not keep:
            assert isinstance(self.session, Committing)
            return self.session.on_a_copy(made)
        for statement in statements:
            self.session.run(statement)
        return self.plan()

    def _refuse_twice(self, sql: LoadStatements) -> None:
        """Refuse a table in which one key of ours is that of several rows: each would be written over."""
        twice = self.session.one(sql.twice())
        if twice:
            raise _twice(sql, twice)


def _twice(sql: LoadStatements, count: int) -> InvalidRequest:
    return InvalidRequest(
        f"Table {'.'.join(sql.made.parts)!r} has several rows for {count:,} of the keys "
        f"({', '.join(sql.made.unique)}) that are to be written, and the database does not keep them apart. "
        "Leave one row for each key."
    )


def require_distinct(session: Any, sql: LoadStatements, staged: int) -> None:
    """Refuse keys that differ in the source, and are one in the table."""
    if session.one(sql.distinct()) != staged:
        raise InvalidRequest(
            "The target treats different keys of the source as equal, by the type or collation of "
            f"its columns: {', '.join(sql.made.unique)}."
        )
