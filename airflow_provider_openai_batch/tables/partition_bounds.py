"""Reads where a source's partitions begin, in the source's own database."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.tables.resolve import resolve_source

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.arguments import arguments
    from airflow_provider_openai_batch.tables.sources import sql


def read_bounds(source: arguments.Source, column: str, *, query: str | None, parts: int) -> list[object]:
    """Read the bounds that a query of the user gives, or those that make so many parts of about one size."""
    if query is not None:
        own = msgspec.structs.replace(source, sql=query, table=None, where=None, parameters=None)
        return _first_column(own, None)
    return _first_column(source, Quantiles(column, parts))[1:]


class Quantiles:
    """Makes of a query one that has the least value of each part; the first part begins before all."""

    def __init__(self, column: str, parts: int) -> None:
        self._column, self._parts = column, parts

    def __call__(self, query: sql.Query) -> sql.Query:
        """Sort in the database, which knows its own order; NULLs are in no part."""
        column = self._column.replace("%", "%%") if query.percent and query.parameters else self._column
        text = (
            "SELECT MIN(bound) AS bound FROM ("
            f"SELECT bound, NTILE({self._parts}) OVER (ORDER BY bound) AS part "
            f"FROM (SELECT {column} AS bound FROM (\n{query.text}\n) source_of) bounds_of"
            " WHERE bound IS NOT NULL) parts_of GROUP BY part ORDER BY 1"
        )
        return replace(query, text=text)


def _first_column(source: arguments.Source, change: Quantiles | None) -> list[object]:
    found = resolve_source(source, change=change)
    name = found.columns()[0]
    with found.read([name]) as batches:
        return [value for batch in batches for value in batch.column(0).to_pylist()]
