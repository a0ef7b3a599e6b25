"""What a database must do for results to be written to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.dialect.merge_forms import Step
    from airflow_provider_openai_batch.tables.errors import Failure
    from airflow_provider_openai_batch.tables.landing import Written
    from airflow_provider_openai_batch.tables.plan import Existing, Plan, Staging


class Session(Protocol):
    """One connection to a database that results are written to."""

    dialect: Dialect

    def explain(self, error: Exception) -> Failure | None:
        """Say what an error of the driver means; None if it is not one."""
        ...

    def find(self, parts: tuple[str, ...]) -> Existing | None:
        """Describe a table; its name is matched without case when only one matches."""
        ...

    def stage(self, staging: Staging, batches: Iterator[pa.RecordBatch]) -> int:
        """Create the temporary table and load the rows into it."""
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

    def rest(self) -> bool:
        """Let go of all but the connection: the transaction, locks, and temporary tables of the last use.

        False: the connection itself is held from others, or is not as it was; it is to be closed.
        """
        ...


@runtime_checkable
class Transacting(Protocol):
    """A session whose database takes back all that a load does to a table."""

    def transact(self, parts: tuple[str, ...], work: Callable[[], Written], *, keep: bool) -> Written:
        """Do the work in one transaction, alone among loads of the table where the database can.

        It is kept or taken back; it may be done more than once.
        """
        ...


@runtime_checkable
class Committing(Protocol):
    """A session whose database keeps what DDL has done, whatever becomes of the transaction."""

    def on_a_copy(self, made: Plan) -> Plan:
        """Define the table as planned in a temporary one; return the plan for that."""
        ...


@runtime_checkable
class Stepping(Protocol):
    """A session whose database has no transaction around all of a load: one step changes the table.

    Rows are staged and the table is defined before it, so that both may stay if the step is never done.
    """

    def step(self, statements: Step) -> list[int]:
        """Do all of the statements or none, and count the rows that each wrote."""
        ...
