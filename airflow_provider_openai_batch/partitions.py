"""One source cut into several, for tasks that Airflow maps over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from airflow_provider_openai_batch.batch.arguments import arguments, parse_time
from airflow_provider_openai_batch.batch.arguments.partitions import by_bounds, by_values
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

#: More than [core] max_map_length allows by default are a mistake.
MOST_PARTS = 1_024


def partition_source(
    source: arguments.SourceArgs | dict[str, Any],
    column: str,
    *,
    values: Iterable[object] | None = None,
    bounds: Iterable[object] | str | None = None,
    parts: int | None = None,
) -> list[arguments.SourceArgs]:
    """Cut a source of `sql` or `table` into partitions, to `.expand(source=...)` by.

    Every row is in one partition, NULLs are in the first one, and new rows are in the part that they
    belong to. Only rows whose value is not in `values` are in none.

    :param source: as of `OpenAIBatchTaskGroup`. A query for bounds is sent to its connection, so call the
        helper in a `@task`, and without a template in the source.
    :param column: the column, or an expression of SQL such as `id % 8`, that tells partitions apart.
    :param values: one partition for each value. No database is read, also while the DAG is parsed.
    :param bounds: where a partition ends and the next one begins: a list, or a query whose first column
        has them, such as `select day from days order by day`.
    :param parts: so many partitions of about as many rows each. Sorts the column in the database.
    :raises InvalidRequest: a value that SQL cannot say safely, or more than 1,024 parts.
    """
    given = [name for name, value in (("values", values), ("bounds", bounds), ("parts", parts))
             if value is not None]  # fmt: skip
    if len(given) != 1:
        raise InvalidRequest(
            f"partition_source takes exactly one of values, bounds, and parts, not {given or 'none'}."
        )
    if source.get("sql") is None and source.get("table") is None:
        raise InvalidRequest("partition_source cuts a source of 'sql' or 'table'; list others by hand.")
    if values is not None:
        made = by_values(source, column, values)
    else:
        made = by_bounds(source, column, _bounds(source, column, bounds, parts))
    return cast("list[arguments.SourceArgs]", made)


def _bounds(
    source: Any, column: str, bounds: Iterable[object] | str | None, parts: int | None
) -> list[object]:
    if bounds is not None and not isinstance(bounds, str):
        return list(bounds)
    if parts is not None and not 1 <= parts <= MOST_PARTS:
        raise InvalidRequest(f"parts is {parts!r}; give 1 to {MOST_PARTS:,}.")
    if parts == 1:
        return []
    if not parse_time.is_final([dict(source), bounds]):
        raise InvalidRequest(
            "A query for bounds runs in your task, before Airflow renders the template in it: take the value "
            "from the task's context, such as `def partitions(ds=None)`, and write it into the query."
        )
    from airflow_provider_openai_batch.tables.partition_bounds import read_bounds  # noqa: PLC0415

    return read_bounds(arguments.source(source), column, query=bounds, parts=parts or 0)
