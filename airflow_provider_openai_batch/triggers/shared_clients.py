"""What the triggers of one event loop share: clients, what Airflow says of their connections, and lists."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from airflow_provider_openai_batch.config import settings
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
    from airflow_provider_openai_batch.client.sync_client import AsyncClient
    from airflow_provider_openai_batch.steps.look.shared_list import SharedList

#: For how many seconds a connection counts that was read.
CONNECTION_LIFE = 30.0
# How many triggers there are.
_users: WeakKeyDictionary[asyncio.AbstractEventLoop, int] = WeakKeyDictionary()
# What is known of each connection.
_known: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Known]] = WeakKeyDictionary()
# One list of batches for the looks of many triggers.
_lists: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[AsyncClient, SharedList]] = WeakKeyDictionary()


class Known(NamedTuple):
    """What Airflow said of a connection, and until when (time of the loop) it is not asked again."""

    until: float
    client: AsyncClient
    settings: Settings


def use_clients() -> None:
    """Share the clients of this event loop with its other triggers."""
    loop = asyncio.get_running_loop()
    _users[loop] = _users.get(loop, 0) + 1


async def leave_clients() -> None:
    """Close the clients if no other trigger uses them."""
    loop = asyncio.get_running_loop()
    _users[loop] -= 1
    if not _users[loop]:
        _known.pop(loop, None)
        for shared in _lists.pop(loop, {}).values():
            shared.stop()
        await OpenAIBatchHook.close_async_clients()


async def known_of(conn_id: str) -> Known:
    """Return what is known of a connection; Airflow is asked for it for many looks together."""
    loop = asyncio.get_running_loop()
    known = _known.setdefault(loop, {})
    found = known.get(conn_id)
    if found is None or loop.time() >= found.until:
        client = await OpenAIBatchHook(conn_id).get_async_client()
        found = known[conn_id] = Known(loop.time() + CONNECTION_LIFE, client, settings())
    return found


def forget_client(conn_id: str) -> None:
    """Ask Airflow for the connection at the next look: a person may have corrected it."""
    _known.get(asyncio.get_running_loop(), {}).pop(conn_id, None)


def list_of(client: AsyncClient) -> SharedList:
    from airflow_provider_openai_batch.steps.look.shared_list import SharedList  # noqa: PLC0415

    loop = asyncio.get_running_loop()
    lists = _lists.setdefault(loop, {})
    if client not in lists:
        lists[client] = SharedList(loop.time)
    return lists[client]
