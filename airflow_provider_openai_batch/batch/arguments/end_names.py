"""How messages and reports name a source and a target: without a value, a condition, or a text of SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.arguments.arguments import Source, Target


def target_name(target: Target) -> str:
    """Return `conn_id.table`, or the path."""
    return target.path if target.path is not None else _table(target.conn_id, target.table)


def source_name(source: Source) -> str:
    """Return `conn_id.table`, the path, or what kind of source it is: SQL may hold a secret."""
    if source.path is not None:
        return _without_secrets(source.path)
    if source.table is not None:
        return _table(source.conn_id, source.table) + (", with a condition" if source.where else "")
    if source.sql is not None:
        return f"a query of {source.conn_id}"
    return "rows made by Python"


def _table(conn_id: str | None, table: str | tuple[str, ...] | None) -> str:
    parts = [table] if isinstance(table, str) else list(table or ())
    return ".".join([*filter(None, [conn_id]), *parts])


def _without_secrets(path: str) -> str:
    """Leave out what follows a question mark, and a password; a user name is that of a connection."""
    scheme, mark, rest = path.partition("://")
    if not mark:
        return path
    place, slash, file = rest.partition("/")
    user, at, host = place.rpartition("@")
    if urlsplit(f"//{place}").password is not None:
        user = user.partition(":")[0]
    query = "?" if scheme in {"http", "https"} else None
    return f"{scheme}://{user}{at}{host}{slash}{file.partition(query)[0] if query else file}"
