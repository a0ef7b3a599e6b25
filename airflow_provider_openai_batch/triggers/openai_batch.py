"""Waiting without a worker: look at the run until there is something to do."""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import asynccontextmanager, closing
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_openai_batch.airflow_errors import is_denied
from airflow_provider_openai_batch.config import settings
from airflow_provider_openai_batch.exceptions import OpenAIBatchError, RunUnlisted
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from airflow_provider_openai_batch.run_location import open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_openai_batch.client.sync_client import AsyncClient
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)

GROWTH = 1.5
MOST_LOOKS_AT_ONCE = 32
# A defect does not pass by waiting: the task that wakes up shows it.
FOR_GOOD = (OpenAIBatchError, ImportError, AssertionError, AttributeError, NameError, TypeError)

# A triggerer may hold thousands of triggers; they take turns.
_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
_users: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakSet[OpenAIBatchRunTrigger]] = WeakKeyDictionary()
# An event loop forgets tasks that nobody holds.
_cancelling: set[asyncio.Future[None]] = set()
# Until when (API time) an API has asked not to be called: one answer counts for all triggers.
_rests: WeakKeyDictionary[AsyncClient, float] = WeakKeyDictionary()


class OpenAIBatchRunTrigger(BaseTrigger):  # type: ignore[misc]
    """Yield one event as soon as the run has something to do; never raise.

    The event says no more than which run it is and why: what to do, the task sees for itself. What is
    wrong for good (a refused key, an unreadable run) is an event, too; an outage is waited out.

    :param run_uri: the run's folder.
    :param openai_conn_id: the connection that the run was submitted with.
    :param poke_interval: seconds between looks at first; they grow to `max_interval`.
    :param max_interval: the most seconds between looks.
    :param first_look: seconds before the first look.
    :param deadline: API time, in seconds since 1970, at which to stop looking; None: never.
    """

    def __init__(
        self,
        *,
        run_uri: str,
        openai_conn_id: str,
        poke_interval: float,
        max_interval: float,
        first_look: float,
        deadline: float | None,
    ) -> None:
        super().__init__()
        self.run_uri = run_uri
        self.openai_conn_id = openai_conn_id
        self.poke_interval = poke_interval
        self.max_interval = max_interval
        self.first_look = first_look
        self.deadline = deadline
        self._kept: RunStore | None = None
        self._client: AsyncClient | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the path and the arguments that Airflow stores; they never change meaning."""
        names = ("run_uri", "openai_conn_id", "poke_interval", "max_interval", "first_look", "deadline")
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            name: getattr(self, name) for name in names
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, wait, look again; the waits grow, and vary so that triggers do not look in step."""
        async with _shared_clients(self):
            await asyncio.sleep(self.first_look)
            pause = self.poke_interval
            while (reason := await self._look_safely()) is None:
                await asyncio.sleep(self._until_next_look(pause * random.uniform(0.9, 1.1)))  # noqa: S311
                pause = min(pause * GROWTH, max(self.poke_interval, self.max_interval))
        yield TriggerEvent({"run_uri": self.run_uri, "reason": reason})

    def _until_next_look(self, pause: float) -> float:
        """Return the seconds to sleep: not into what the API has asked for, nor past the deadline."""
        if self._client is None:
            return pause
        now = self._client.now()
        wait = max(pause, _rests.get(self._client, 0.0) - now)
        if self.deadline is None or self._is_late():
            return wait
        return min(wait, max(1.0, self.deadline - now))

    def _is_late(self) -> bool:
        # A look has told the API's time, if anything has.
        return self.deadline is not None and self._client is not None and self._client.now() >= self.deadline

    async def _look_safely(self) -> str | None:
        try:
            return await self._look()
        except Exception as error:  # noqa: BLE001
            # A raising trigger ends a wait of a day; what can pass, passes.
            if is_denied(error):
                return "denied"
            if isinstance(error, FOR_GOOD) and not isinstance(error, RunUnlisted):
                return type(error).__name__
            self.log.warning("Could not look at %s (%s); looking again.", self.run_uri, type(error).__name__)
            return "deadline" if self._is_late() else None

    async def _look(self) -> str | None:
        # The first import takes seconds, in which no other trigger of this process would run.
        await asyncio.to_thread(import_module, "airflow_provider_openai_batch.steps.wait.observe_async")
        from airflow_provider_openai_batch.batch.run.decide import Wait  # noqa: PLC0415
        from airflow_provider_openai_batch.steps.wait.observe_async import look  # noqa: PLC0415

        client = self._client = await OpenAIBatchHook(self.openai_conn_id).get_async_client()
        gate = _gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(MOST_LOOKS_AT_ONCE))
        async with gate:
            # Another run may have been told meanwhile to leave this API alone.
            rests = client.now() < _rests.get(client, 0.0)
            step = Wait(0.0) if rests else await look(await self._store(), client, settings())
        if not isinstance(step, Wait):
            return type(step).__name__
        _rests[client] = max(step.rest, _rests.get(client, 0.0))
        return "deadline" if self._is_late() else None

    async def _store(self) -> RunStore:
        # Opening asks for the storage's connection, which may wait for an answer of this event loop.
        # A store that is kept reads each file of the run once.
        if self._kept is None:
            self._kept = await sync_to_async(open_store)(self.run_uri)
        return self._kept


class OpenAIBatchCancellingTrigger(OpenAIBatchRunTrigger):
    """Cancel the run's batches when a person marks the waiting task as failed or done, or clears it."""

    async def on_kill(self) -> None:
        """Cancel; Airflow calls this from 3.3 on, and not when a triggerer shuts down."""
        # Airflow 3.3 ends this call a second later: what waits for a thread by then would not be done,
        # and what talks to Airflow would leave it waiting for an answer.
        in_a_thread = sync_to_async(cancel_run, thread_sensitive=False)
        work = asyncio.ensure_future(in_a_thread(self.run_uri, self.openai_conn_id))
        _cancelling.add(work)
        work.add_done_callback(_cancelling.discard)
        await asyncio.shield(work)


@asynccontextmanager
async def _shared_clients(user: OpenAIBatchRunTrigger) -> AsyncIterator[None]:
    """Let the triggers of an event loop share their clients; the last one closes them."""
    users = _users.setdefault(asyncio.get_running_loop(), WeakSet())
    users.add(user)
    try:
        yield
    finally:
        users.discard(user)
        if not users:
            await OpenAIBatchHook.close_async_clients()


def cancel_run(run_uri: str, openai_conn_id: str, by: str = "on_kill") -> None:
    """Cancel the open batches of a run as far as that is possible now."""
    from airflow_provider_openai_batch.steps.wait.advance import cancel  # noqa: PLC0415

    try:
        with closing(OpenAIBatchHook(openai_conn_id).get_client()) as client:
            cancel(open_store(run_uri), client, by)
    except Exception as error:  # noqa: BLE001
        log.warning(
            "Batches of %s are still running (%s); cancel them at the API.", run_uri, type(error).__name__
        )
