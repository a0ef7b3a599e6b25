"""Reading and writing a table as the steps do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.tables.resolve import resolve_source, resolve_target
from tests.tables.factories import MONDAY, make_rows, nothing

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.landing import Landing, Written


def read(conn_id: str, *columns: str, **source: Any) -> pa.Table:
    """Read these columns of a source into one table."""
    args = arguments.source({"conn_id": conn_id, "key": "id"} | source)
    with resolve_source(args).read(columns) as batches:
        return pa.Table.from_batches(list(batches))


def write(
    conn_id: str, landing: Landing, *rows: dict[str, Any], table: Any = "labels", at: Any = MONDAY
) -> Written:
    """Check the target, then write rows to it."""
    target = resolve_target(arguments.Target(conn_id=conn_id, table=table))
    target.check(landing)
    return target.write(landing, iter(make_rows(landing, *rows, at=at)), nothing)
