"""What only `common-compat` 1.22 has; the constraints of many Airflow releases name an older one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat import connection as compat_connection
from airflow.providers.common.compat.sdk import BaseHook

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

#: Modules with `mask_secret` in the versions of Airflow, newest first.
MASKERS = (
    "airflow.sdk.log",
    "airflow.sdk.execution_time.secrets_masker",
    "airflow.utils.log.secrets_masker",
)


def mask_secret(secret: str) -> None:
    """Hide a text from the logs of this task."""
    for name in MASKERS:
        try:
            masker = import_module(name)
        except ImportError:
            continue
        if hasattr(masker, "mask_secret"):
            masker.mask_secret(secret)
            return
    raise ImportError(f"Airflow has no mask_secret in {', '.join(MASKERS)}; update this provider.")


async def read_connection(conn_id: str) -> tuple[Connection, dict[str, Any]]:
    """Read a connection and its extra on an event loop.

    Until 3.3.2 both ask Airflow's supervisor in a blocking call, which fails beside other calls of the loop.
    Where `common-compat` does not know that, they are read in a worker thread, as its newer versions do.
    """
    if hasattr(compat_connection, "get_async_extra_dejson"):
        connection = await compat_connection.get_async_connection(conn_id)
        return connection, await compat_connection.get_async_extra_dejson(connection)
    from asgiref.sync import sync_to_async  # noqa: PLC0415

    return await sync_to_async(_read)(conn_id)


def _read(conn_id: str) -> tuple[Connection, dict[str, Any]]:
    connection = BaseHook.get_connection(conn_id)
    return connection, connection.extra_dejson
