"""How OpenLineage names tables and files: https://openlineage.io/docs/spec/naming."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_openai_batch.tables.names import table_parts
from airflow_provider_openai_batch.tables.warehouses.registry import dialect_of

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Databases in a file: they have no host, and the namespace is the file, as dbt's is for DuckDB.
IN_FILES = ("duckdb", "sqlite")
#: Where a pattern of file names begins.
PATTERN = re.compile(r"[^/]*[*?\[]")


class DatasetName(NamedTuple):
    """The two names of a dataset."""

    namespace: str
    name: str


def name_of_path(path: str) -> DatasetName:
    """Name a file or folder: `file` and its path, or `s3://bucket` and the key; a pattern by its folder."""
    scheme, _, rest = path.strip().rpartition("://")
    if found := PATTERN.search(rest):
        rest = rest[: found.start()]
    if scheme in {"", "file", "local"}:
        return DatasetName("file", f"/{rest.strip('/')}")
    bucket, _, key = rest.partition("/")
    return DatasetName(f"{scheme}://{bucket.rpartition('@')[2]}", key.rstrip("/") or "/")


def name_of_table(conn_id: str, table: str | Sequence[str]) -> DatasetName:
    """Name a table of a connection, such as `postgres://host:5432` and `database.schema.table`."""
    connection = BaseHook.get_connection(conn_id)
    kind = connection.conn_type or ""
    parts = table_parts(table, dialect_of(kind))
    if kind in IN_FILES:
        return DatasetName(f"{kind}://{connection.host or ''}", ".".join(parts))
    info = _database_info(connection)
    if info is None:
        port = f":{connection.port}" if connection.port else ""
        return DatasetName(f"{kind}://{connection.host or ''}{port}", ".".join(parts))
    namespace = f"{info.scheme}://{info.authority}" if info.authority else info.scheme
    name = ".".join(_with_defaults(parts, connection, info))
    return DatasetName(namespace, name.upper() if info.is_uppercase_names else name)


def _database_info(connection: Any) -> Any:
    hook = connection.get_hook()
    found = getattr(hook, "get_openlineage_database_info", None)
    return None if found is None else found(connection)


def _with_defaults(parts: Sequence[str], connection: Any, info: Any) -> list[str]:
    """Put the connection's database and schema before a table that is named without them."""
    if info.scheme in {"mysql", "mariadb"}:
        return [*([connection.schema or ""] if len(parts) == 1 else []), *parts]
    database = info.database or connection.login or ""
    schema = [_schema(connection)] if len(parts) == 1 else []
    return [*([database] if len(parts) < len(("database", "schema", "table")) else []), *schema, *parts]


def _schema(connection: Any) -> str:
    try:
        return str(connection.get_hook().get_openlineage_default_schema() or "public")
    except Exception:  # noqa: BLE001 - an event of lineage is no reason to fail
        return "public"
