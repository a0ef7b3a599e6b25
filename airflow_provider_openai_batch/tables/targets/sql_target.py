"""Rows into a database table: staged apart, then merged in one transaction."""

from __future__ import annotations

import logging
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables.errors import RefusedByDatabase
from airflow_provider_openai_batch.tables.existing.existing_rows import HeldRows
from airflow_provider_openai_batch.tables.existing.keys import Keys, keys_of
from airflow_provider_openai_batch.tables.existing.triggers_and_rules import hooked
from airflow_provider_openai_batch.tables.landing import Landing, Written
from airflow_provider_openai_batch.tables.limits.declared_limits import bounds_of
from airflow_provider_openai_batch.tables.plan import Plan, Staging
from airflow_provider_openai_batch.tables.session import Committing, Stepping, Transacting
from airflow_provider_openai_batch.tables.statements.ddl import add, create
from airflow_provider_openai_batch.tables.statements.load_statements import LoadStatements
from airflow_provider_openai_batch.tables.statements.normalize import as_held
from airflow_provider_openai_batch.tables.statements.partition import fill_partition, with_partition
from airflow_provider_openai_batch.tables.targets.carried_values import Carried, carried_of
from airflow_provider_openai_batch.tables.targets.kept_session import KeptSession
from airflow_provider_openai_batch.tables.targets.one_step import OneStep, require_distinct
from airflow_provider_openai_batch.tables.targets.plan_load import plan_load
from airflow_provider_openai_batch.tables.targets.trial_rows import trial_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from airflow_provider_openai_batch.batch.output.column_limits import Bounds
    from airflow_provider_openai_batch.tables.existing.held_rows import Held
    from airflow_provider_openai_batch.tables.session import Session

log = logging.getLogger(__name__)

LOOKING = "What the target holds cannot be read"
TRYING = "The database says"
WRITING = "The results cannot be written (the answers are kept: clear load when the cause is gone)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlTarget:
    """A table of a database that has a merge."""

    parts: tuple[str, ...]
    #: Open a session, with what is being done, for its errors; it closes, rolled back, at the end.
    session: Callable[[str], AbstractContextManager[Session]]

    @contextmanager
    def opened(self) -> Iterator[SqlTarget]:
        """Keep one session for all that is asked in between."""
        with closing(KeptSession(self.session)) as kept:
            yield replace(self, session=kept.use)

    def check(self, landing: Landing) -> None:
        """Stage values of each type, do the load with no rows, and take it all back."""
        with self.session("The target cannot take the results") as session:
            load = _Load(self.parts, with_partition(landing), session)
            load.carry()
            load.run(iter(()), lambda: None, keep=False)

    def bounds(self, landing: Landing) -> Bounds:
        """Read what the columns of a table take; a new one takes nearly everything."""
        landing = with_partition(landing)
        with self.session(LOOKING) as session:
            made = plan_load(landing, self.parts, session.dialect, session.find(self.parts))
            return bounds_of(made, session.dialect)

    def keys(self, landing: Landing) -> Keys | None:
        """Say which keys the table, or the one to be, does not hold as they are."""
        landing = with_partition(landing)
        with self.session(LOOKING) as session:
            made = plan_load(landing, self.parts, session.dialect, session.find(self.parts))
            return keys_of(made, session.dialect, lambda: self.session(LOOKING))

    def carried(self, landing: Landing) -> Carried | None:
        """Say which values of the source the table refuses; one to be refuses next to none."""
        landing = with_partition(landing)
        with self.session(LOOKING) as session:
            made = plan_load(landing, self.parts, session.dialect, session.find(self.parts))
            return carried_of(made, session.dialect, lambda: self.session(TRYING))

    def held(self, landing: Landing) -> Held | None:
        """Look the table up; what it holds is asked for later."""
        landing = with_partition(landing)
        with self.session(LOOKING) as session:
            existing = session.find(self.parts)
            if existing is None:
                return None
            made = plan_load(landing, self.parts, session.dialect, existing).without_added()
            return HeldRows(made=made, dialect=session.dialect, session=lambda: self.session(LOOKING))

    def write(
        self, landing: Landing, batches: Iterator[pa.RecordBatch], guard: Callable[[], None]
    ) -> Written:
        landing = with_partition(landing)
        try:
            with self.session(WRITING) as session:
                load = _Load(self.parts, landing, session)
                return load.run(fill_partition(landing, batches), guard, keep=True)
        except RefusedByDatabase as error:
            if error.doing != WRITING:
                raise
            raise InvalidRequest(f"{error}{self._hooks()}") from error

    def _hooks(self) -> str:
        """Name what acts on the table by itself, for the database's error may come from there."""
        with suppress(OpenAIBatchError), self.session(LOOKING) as session:
            if found := hooked(session, self.parts):
                return f" It may come from {', '.join(found)} of table {'.'.join(self.parts)!r}."
        return ""


@dataclass(frozen=True, slots=True)
class _Load:
    """One load on one session."""

    parts: tuple[str, ...]
    landing: Landing
    session: Session

    def run(self, batches: Iterator[pa.RecordBatch], guard: Callable[[], None], *, keep: bool) -> Written:
        made = self._plan()
        staging = Staging(name=f"batch_staging_{uuid4().hex}", columns=made.columns, trial=not keep)
        held = as_held(made.columns, batches, key=self.landing.key, dialect=self.session.dialect)
        staged = self.session.stage(staging, held)
        if isinstance(self.session, Stepping):
            step = OneStep(
                session=self.session,
                step=self.session.step,
                plan=self._plan,
                staging=staging.name,
                staged=staged,
            )
            return step.land(guard, keep=keep)

        assert isinstance(self.session, Transacting)

        def land() -> Written:
            return self._land(staging.name, staged, guard, self._define(keep=keep))

        return self.session.transact(made.parts, land, keep=keep)

    def carry(self) -> None:
        """Stage a few values of each column's type, and read them back as the table's types."""
        made, session = self._plan(), self.session
        staging = Staging(name=f"batch_carried_{uuid4().hex}", columns=made.columns, trial=True)
        rows = iter([trial_rows(made, session.dialect)])
        session.stage(staging, as_held(made.columns, rows, key=self.landing.key, dialect=session.dialect))
        read = " + ".join(f"count({session.dialect.quote(column.name)})" for column in made.columns)
        session.one(f"SELECT {read} FROM {session.dialect.quote(staging.name)}")

    def _define(self, *, keep: bool) -> Plan:
        """Create the table, or what it lacks; it is looked at again, for another load may have done so."""
        made, dialect = self._plan(), self.session.dialect
        statements = add(made, dialect) if made.exists else [create(made, dialect)]
        if statements and not keep and isinstance(self.session, Committing):
            return self.session.on_a_copy(made)
        for statement in statements:
            self.session.run(statement)
        return made

    def _plan(self) -> Plan:
        return plan_load(self.landing, self.parts, self.session.dialect, self.session.find(self.parts))

    def _land(self, staging: str, staged: int, guard: Callable[[], None], made: Plan) -> Written:
        """Merge the staged rows into the table."""
        sql = LoadStatements(made, staging, self.session.dialect)
        require_distinct(self.session, sql, staged)
        guard()
        done = _merge(self.session, sql)
        if staged and made.exists:
            done = self._compared(sql, staged, done)
        if done.written + done.kept != staged:
            raise self._lost(made, staged, done)
        return done

    def _compared(self, sql: LoadStatements, staged: int, done: Written) -> Written:
        """Look the keys up that were just written, for no later run finds rows that have others there."""
        changed = staged - self.session.one(sql.met())
        if not changed:
            return done
        found = hooked(self.session, sql.made.parts)
        if sql.is_counted and found:
            # Where a merge miscounts, triggers can refuse rows but not leave them out: all are there.
            done = replace(done, written=staged - done.kept)
        if done.written + done.kept == staged:
            self._refuse_taken_out(sql, staged, changed, found)
            log.warning(
                "%s of %s rows are not in table %r by the keys that they came with: %s. Each run pays for "
                "these rows again; let the table keep the key, or change the key in the source.",
                f"{changed:,}", f"{staged:,}", ".".join(sql.made.parts),
                f"{', '.join(found)} changes them" if found else "the table changes or hides them",
            )  # fmt: skip
        return replace(done, changed_keys=changed)

    def _refuse_taken_out(self, sql: LoadStatements, staged: int, changed: int, found: list[str]) -> None:
        """Refuse rows that are not there by any key; behind a policy they may just not be seen."""
        acts = self.session.dialect.lookups.hooks is not None
        if not acts or any(hook.startswith("policy ") for hook in found):
            return
        gone = changed - self.session.one(sql.moved())
        if gone > 0:
            hook = ", ".join(found) or "a rule of the table (such as a UNIQUE that replaces other rows)"
            raise InvalidRequest(
                f"{gone} of {staged} rows are not in table {'.'.join(sql.made.parts)!r} after they were "
                f"written: {hook} removes them. Nothing was written, and a retry would end the same; drop "
                "it, and clear load."
            )

    def _lost(self, made: Plan, staged: int, done: Written) -> OpenAIBatchError:
        """Say why rows are not in the table; what a trigger or a rule does, it does again in a retry."""
        counts = f"{staged} rows were staged, but {done.written} were written and {done.kept} kept"
        found = hooked(self.session, made.parts) if made.exists else []
        if not found:
            return OpenAIBatchError(f"{counts}: the table changed meanwhile. Nothing was written; try again.")
        return InvalidRequest(
            f"{counts}: {', '.join(found)} of table {'.'.join(made.parts)!r} leaves rows out or changes "
            "their keys. Nothing was written, and a retry would end the same; drop it, and clear load."
        )


def _merge(session: Session, sql: LoadStatements) -> Written:
    made = sql.made
    match made.landing.mode:
        case "merge":
            kept = session.one(sql.kept())
            if sql.renews:
                session.run(sql.delete_free())
                return Written(written=session.run(sql.insert_rest()), kept=kept)
            changed = session.run(sql.merge())
            return Written(written=session.one(sql.written()) if sql.is_counted else changed, kept=kept)
        case "append":
            session.run(*sql.delete_ours({made.role("run_id") or "": made.landing.run_id}))
            kept = session.one(sql.met())
            return Written(written=session.run(sql.insert_rest() if kept else sql.insert()), kept=kept)
        case "replace_partition":
            partition = made.landing.partition
            values = {made.target_name(name): value for name, value in partition.items()}
            session.run(*sql.delete(values))
    return Written(written=session.run(sql.insert()), kept=0)
