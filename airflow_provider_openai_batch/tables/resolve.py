"""From what a DAG names to the source and the target themselves."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowNotFoundException, BaseHook
from airflow.providers.common.sql.hooks.sql import DbApiHook

from airflow_provider_openai_batch.batch.arguments.missing_packages import unopened
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables import names
from airflow_provider_openai_batch.tables.errors import RefusedByDatabase
from airflow_provider_openai_batch.tables.sources import files, function_rows, keyset_pages, sql
from airflow_provider_openai_batch.tables.sources import in_memory as given_rows
from airflow_provider_openai_batch.tables.targets import parquet
from airflow_provider_openai_batch.tables.warehouses.read_only import SQL_HOOKS, TOLD, WHOLE
from airflow_provider_openai_batch.tables.warehouses.registry import (
    WAREHOUSES,
    dialect_of,
    ends_of,
    install_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_openai_batch.batch.arguments import arguments
    from airflow_provider_openai_batch.tables.base import Source, Target

#: How Airflow's error begins where no provider brings the type of a connection.
UNKNOWN_TYPE = "unknown hook type"


def resolve_source(
    args: arguments.Source,
    rows: object | None = None,
    change: Callable[[sql.Query], sql.Query] | None = None,
    call: Callable[[], object] | None = None,
) -> Source:
    """Find the table that `source` names; nothing is read yet.

    :param call: the function that makes the rows, with its arguments.
    :param change: makes another query of a database's, such as one that is joined to the target.
    """
    if args.path is not None:
        return files.FileSource(args.path, args.format)
    if call is not None:
        return function_rows.FunctionSource(call)
    if args.conn_id is None:
        return given_rows.source([] if rows is None else rows)
    kind, hook = _hook("source", args.conn_id)
    dialect = dialect_of(kind)
    if args.sql is not None:
        percent = getattr(hook, "placeholder", "%s") == "%s"
        query = sql.of_sql(args.sql, args.parameters, dialect, percent=percent)
    else:
        query = sql.of_table(args.table or "", args.where, dialect)
    query = query if change is None else change(query)
    if kind in WAREHOUSES:
        made: Source = _warehouse(kind).source(hook, query)
        return made
    return cursor_source(kind, hook, query, args.key)


def columns_of(source: Source, args: arguments.Source) -> Sequence[str]:
    """Ask a source for its columns; where its database refuses, say what of the DAG is to be corrected."""
    try:
        return source.columns()
    except RefusedByDatabase as error:
        what = "source['sql']" if args.sql is not None else f"source['table'] ({args.table!r})"
        what += " or source['where']" if args.where is not None else ""
        raise InvalidRequest(
            f"{str(error).rstrip('.')}. Correct {what}, or the database or rights of connection "
            f"{args.conn_id!r}."
        ) from None


def cursor_source(kind: str, hook: DbApiHook, query: sql.Query, key: Sequence[str]) -> sql.CursorSource:
    """Read a database that has no module here: a stream, or pages where the driver has none."""
    rows = partial(keyset_pages.Pages, key=key) if kind in WHOLE else sql.Stream
    return sql.CursorSource(driver=sql.Driver(hook.get_conn), query=query, rows=rows)


def resolve_target(args: arguments.Target) -> Target:
    """Find the table that `target` names; nothing is written yet."""
    if args.path is not None:
        return parquet.PathTarget(args.path)
    kind, hook = _hook("target", args.conn_id or "")
    if kind not in WAREHOUSES:
        raise InvalidRequest(
            f"target['conn_id'] {args.conn_id!r} is of type {kind!r}, which cannot be written to; supported: "
            f"{', '.join(WAREHOUSES)}, or Parquet files by target['path']."
        )
    made: Target = _warehouse(kind).target(hook, names.table_parts(args.table or "", WAREHOUSES[kind]))
    return made


def _hook(argument: str, conn_id: str) -> tuple[str, Any]:
    connection = _known(argument, conn_id, lambda: BaseHook.get_connection(conn_id))
    kind = connection.conn_type or ""
    try:
        hook = _known(argument, conn_id, partial(_sql_hook, connection, kind))
    except ImportError as error:
        raise InvalidRequest(
            unopened(f"{argument}['conn_id'] {conn_id!r}", error, install_for(kind))
        ) from None
    if not isinstance(hook, DbApiHook):
        raise InvalidRequest(
            f"{argument}['conn_id'] {conn_id!r} is of type {kind!r}, which is not a SQL database."
        )
    return kind, hook


def _sql_hook(connection: Any, kind: str) -> Any:
    told = TOLD.get(kind, {})
    if kind not in SQL_HOOKS:
        return _hook_of(connection, kind, told)
    module, name = SQL_HOOKS[kind]
    hook = getattr(import_module(module), name)
    return hook(**{hook.conn_name_attr: connection.conn_id}, **told)


def _hook_of(connection: Any, kind: str, told: dict[str, Any]) -> Any:
    """Make Airflow's own hook; a type that no provider brings is an import that fails."""
    try:
        return connection.get_hook(hook_params=told)
    except AirflowException as error:
        if UNKNOWN_TYPE in str(error).lower():
            raise ImportError(f"no provider for {kind!r} is installed") from error
        raise


def _known(argument: str, conn_id: str, look: Callable[[], Any]) -> Any:
    try:
        return look()
    except AirflowNotFoundException:
        raise InvalidRequest(
            f"{argument}['conn_id'] {conn_id!r} is not defined; create it in Airflow."
        ) from None
    except AirflowException as error:
        raise InvalidRequest(f"{argument}['conn_id'] {conn_id!r} cannot be used: {error}") from error


def _warehouse(kind: str) -> Any:
    """Import a warehouse's module only when it is used: its driver is an extra."""
    try:
        return ends_of(kind)
    except ImportError as error:
        raise InvalidRequest(unopened(f"{kind} tables", error, install_for(kind))) from None
