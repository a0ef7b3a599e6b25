"""A query of PostgreSQL: described by psycopg, and read by ADBC where that can be."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.warehouses.postgres import adbc_driver, column_types, psycopg_driver
from airflow_provider_openai_batch.tables.warehouses.postgres.steady import SteadyRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSource:
    """Rows whose types are those that the server declares, the same by every driver."""

    driver: sql.Driver
    query: sql.Query
    #: Open a connection of ADBC like one of psycopg; None where that cannot be.
    quick: Callable[[Any], Any | None]

    def columns(self) -> tuple[str, ...]:
        with self.driver.connection() as connection:
            described = psycopg_driver.describe(connection, self.query)
            return sql.distinct(column[0] for column in described)

    @contextmanager
    def steady(self, columns: Sequence[str]) -> Iterator[SteadyRows]:
        """Open it for reads of the same rows."""
        with self.driver.connection() as connection:
            chosen = self._chosen(connection, columns)
            with SteadyRows(connection, self.query, chosen, self.quick) as steady:
                yield steady

    @contextmanager
    def read(self, columns: Sequence[str]) -> Iterator[Iterator[pa.RecordBatch]]:
        with self.driver.connection() as connection:
            chosen = self._chosen(connection, columns)
            if self.query.is_empty:
                yield iter([arrow_types.no_rows(pa.schema([column.field for column in chosen]))])
                return
            with self._by_adbc(connection, chosen) as batches:
                if batches is not None:
                    yield batches
                    return
            statement = self._select(connection, [column.expression for column in chosen])
            with psycopg_driver.read(connection, statement, [column.field for column in chosen]) as batches:
                yield batches

    def _chosen(self, connection: Any, columns: Sequence[str]) -> list[column_types.Chosen]:
        described = {column[0]: column for column in psycopg_driver.describe(connection, self.query)}
        return [column_types.choose(self.query, described[name]) for name in columns]

    @contextmanager
    def _by_adbc(
        self, connection: Any, chosen: list[column_types.Chosen]
    ) -> Iterator[Iterator[pa.RecordBatch] | None]:
        """Read on a second connection in place of the first one, if there can be one."""
        opened = self.quick(connection)
        if opened is None:
            yield None
            return
        with closing(opened):
            statement = self._select(connection, adbc_driver.expressions(chosen))
            connection.close()
            with adbc_driver.read(opened, statement, chosen) as batches:
                yield batches

    def _select(self, connection: Any, expressions: Sequence[str]) -> str:
        return psycopg_driver.bound(connection, self.query.select(expressions), self.query.parameters)
