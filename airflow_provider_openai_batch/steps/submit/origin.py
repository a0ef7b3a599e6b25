"""Where the rows of a run come from, as its lineage tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.run.facts import Origin
from airflow_provider_openai_batch.tables.names import written_parts
from airflow_provider_openai_batch.tables.sources.query_origin import read_query

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.arguments import arguments
    from airflow_provider_openai_batch.steps.submit.recipe import Layout


def origin_of(source: arguments.Source, layout: Layout | None = None) -> Origin:
    """Return the tables or the path of a source, and what is known of its columns; rows have no origin."""
    columns = () if layout is None else layout.columns
    used = () if layout is None else layout.used
    if source.sql is not None:
        query = read_query(source.sql)
        fields = {
            column: tuple((query.tables.index(table), name) for table, name in query.fields(column))
            for column in columns
        }
        return Origin(conn_id=source.conn_id, tables=tuple(query.tables), used=used, fields=fields)
    if source.table is None and source.path is None:
        return Origin()
    same: dict[str, tuple[tuple[int, str], ...]] = {column: ((0, column),) for column in columns}
    tables = () if source.table is None else (written_parts(source.table),)
    return Origin(conn_id=source.conn_id, path=source.path, tables=tables, used=used, fields=same)
