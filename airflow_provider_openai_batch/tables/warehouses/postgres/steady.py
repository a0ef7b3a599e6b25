"""A query of PostgreSQL as of one moment: what is read whole is what was hashed before."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.sources.row_hashes import HASH, has_key, hash_of
from airflow_provider_openai_batch.tables.warehouses.postgres import adbc_driver, psycopg_driver
from airflow_provider_openai_batch.tables.warehouses.postgres.column_types import Chosen
from airflow_provider_openai_batch.tables.warehouses.postgres.errors import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from airflow_provider_openai_batch.tables.sources import sql

#: What would change anything, such as a function of the user's, fails.
BEGIN = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
#: Steps of a plan that find rows, or put them together, one by one; a condition on the key saves them work.
CHEAP = frozenset({
    "Append", "Bitmap Heap Scan", "Bitmap Index Scan", "BitmapAnd", "BitmapOr", "Gather", "Gather Merge",
    "Hash", "Hash Join", "Incremental Sort", "Index Only Scan", "Index Scan", "Materialize", "Memoize",
    "Merge Append", "Merge Join", "Nested Loop", "Result", "Seq Scan", "Sort", "Subquery Scan",
})  # fmt: skip


class SteadyRows:
    """The rows by ADBC, else by psycopg, in one transaction, which begins with the first read."""

    def __init__(
        self, connection: Any, query: sql.Query, chosen: Sequence[Chosen], quick: Callable[[Any], Any | None]
    ) -> None:
        self._connection, self._query, self._quick = connection, query, quick
        self._chosen = {column.field.name: column for column in chosen}
        self._opened = ExitStack()
        #: The connection that is read by, and whether it is ADBC's.
        self._reading: tuple[Any, bool] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    @property
    def is_cheap(self) -> bool:
        statement = f"EXPLAIN (FORMAT JSON) {self._bound(['*'], '')}"
        with (
            told("The source's query fails", explain),
            closing(psycopg_driver.cursor(self._connection)) as opened,
        ):
            opened.execute(statement)
            ((plans,),) = opened.fetchall()
        return {step["Node Type"] for plan in plans for step in _steps(plan["Plan"])} <= CHEAP

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([column.field for column in self._chosen.values()])

    def hashes(
        self, key: Sequence[str], hashed: Sequence[str]
    ) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        made = Chosen(hash_of(self._query, hashed), pa.field(HASH, pa.string()))
        return self._read([*(self._chosen[name] for name in key), made])

    def rows(self, keys: pa.RecordBatch) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        return self._read([*self._chosen.values()], has_key(self._query, keys))

    def _read(
        self, chosen: list[Chosen], where: str = ""
    ) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        connection, is_quick = self._reading = self._reading or self._begun()
        if is_quick:
            statement = self._bound(adbc_driver.expressions(chosen), where)
            return adbc_driver.read(connection, statement, chosen)
        statement = self._bound([column.expression for column in chosen], where)
        return psycopg_driver.read(connection, statement, [column.field for column in chosen])

    def _begun(self) -> tuple[Any, bool]:
        quick = self._quick(self._connection)
        connection = self._connection if quick is None else self._opened.enter_context(closing(quick))
        with told("The source cannot be read", explain):
            self._connection.commit()  # what described the query has locked its tables
            connection.commit()
            with closing(connection.cursor()) as opened:
                opened.execute(BEGIN)
        return connection, quick is not None

    def _bound(self, expressions: Sequence[str], where: str) -> str:
        statement = self._query.select(expressions, where)
        return psycopg_driver.bound(self._connection, statement, self._query.parameters)


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all steps of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from _steps(part)
