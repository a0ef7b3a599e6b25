"""What would keep an event loop from others is done in few threads of our own."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from airflow_provider_openai_batch.client.in_thread import MOST_THREADS, in_thread

name: contextvars.ContextVar[str] = contextvars.ContextVar("name")


def test_it_is_done_elsewhere_in_the_same_context():
    """Airflow finds the log of a trigger by its context."""

    async def run() -> tuple[str, bool]:
        name.set("a trigger")
        return await in_thread(name.get), await in_thread(threading.get_ident) != threading.get_ident()

    assert asyncio.run(run()) == ("a trigger", True)


def test_an_error_is_raised_where_it_is_awaited():
    """A look that fails is tried again."""
    with pytest.raises(ValueError, match="no number"):
        asyncio.run(in_thread(int, "no number"))


def test_it_waits_for_nobody_else_and_takes_few_threads():
    """Threads that are busy with other work hold nothing up, and many looks start few threads."""
    free = threading.Event()

    async def run() -> set[int]:
        others = [asyncio.create_task(asyncio.to_thread(free.wait)) for _ in range(100)]
        seen = set(await asyncio.gather(*(in_thread(threading.get_ident) for _ in range(100))))
        free.set()
        await asyncio.gather(*others)
        return seen

    assert 1 <= len(asyncio.run(run())) <= MOST_THREADS
