"""Wait without a worker: look at the run until there is something to do."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import random
from contextlib import closing
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_openai_batch import tracing
from airflow_provider_openai_batch.airflow_errors import is_denied
from airflow_provider_openai_batch.exceptions import OpenAIBatchError, RunUnlisted
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from airflow_provider_openai_batch.metrics import tell_waited, tell_waiting
from airflow_provider_openai_batch.run_location import is_local, open_store
from airflow_provider_openai_batch.triggers.shared_clients import (
    forget_client,
    known_of,
    leave_clients,
    list_of,
    use_clients,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_openai_batch.batch.decisions.progress import Progress
    from airflow_provider_openai_batch.client.sync_client import AsyncClient
    from airflow_provider_openai_batch.steps.look.unchanged_run import Unchanged
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)

GROWTH = 1.5
MOST_LOOKS_AT_ONCE = 32
# Waiting does not fix a defect: the task that wakes up shows it.
FOR_GOOD = (OpenAIBatchError, ImportError, AssertionError, AttributeError, NameError, TypeError)

# A triggerer may hold thousands of triggers; they take turns.
_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
# An event loop forgets tasks that nobody holds.
_cancelling: set[asyncio.Future[None]] = set()
# Until when (API time) an API asked not to be called: one answer counts for all triggers.
_rests: WeakKeyDictionary[AsyncClient, float] = WeakKeyDictionary()
# To wake a task needs none; a timer would have one of its own.
_no_context = contextvars.Context()
# What was imported in a thread.
_imported: set[str] = set()


class OpenAIBatchRunTrigger(BaseTrigger):  # type: ignore[misc]
    """Yield one event as soon as the run has something to do; never raise.

    The event names only the run and the reason: the task finds out what to do. A permanent error (a
    refused key, an unreadable run) is an event, too. An outage is waited out.

    :param run_uri: the run's folder.
    :param openai_conn_id: the connection that the run was submitted with.
    :param poke_interval: seconds between the first looks; the interval grows to `max_interval`.
    :param max_interval: the most seconds between two looks.
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
        self._progress: Progress | None = None
        self._logged: Progress | None = None
        self._unchanged: Unchanged | None = None
        self._timer: asyncio.TimerHandle | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the path and the arguments that Airflow stores; they never change meaning."""
        names = ("run_uri", "openai_conn_id", "poke_interval", "max_interval", "first_look", "deadline")
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            name: getattr(self, name) for name in names
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, wait, look again; the waits grow, and vary so that triggers do not all look together."""
        use_clients()
        try:
            await self._after(self.first_look)
            pause = self.poke_interval
            while (reason := await self._look_safely()) is None:
                seconds = self._until_next_look(pause * random.uniform(0.9, 1.1))  # noqa: S311
                self._log_news(seconds)
                self._expect_look(seconds)
                await self._after(seconds)
                pause = min(pause * GROWTH, self._longest_pause())
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._forget_look()
            if self._logged is not None and (task := getattr(self, "task_instance", None)) is not None:
                tell_waited(task.dag_id)
            await leave_clients()
        yield TriggerEvent({"run_uri": self.run_uri, "reason": reason})

    def _after(self, seconds: float) -> asyncio.Future[None]:
        """Return what is done after so many seconds; `asyncio.sleep` would take twice the room meanwhile."""
        loop = asyncio.get_running_loop()
        due: asyncio.Future[None] = loop.create_future()
        self._timer = loop.call_later(seconds, _wake, due, context=_no_context)
        return due

    def _longest_pause(self) -> float:
        longest = self.max_interval if self._logged is None else self._logged.longest_pause(self.max_interval)
        return max(self.poke_interval, longest)

    def _log_news(self, next_look: float) -> None:
        """Log how far the run is if that has changed, and once an hour; a failed look has logged why."""
        progress, self._progress = self._progress, None
        if progress is not None and progress.is_news(self._logged):
            # A logger of its own would take as much room as the run.
            self.logger().info(progress.line(next_look))
            self._logged = progress
            if (task := getattr(self, "task_instance", None)) is not None:
                tell_waiting(progress, task.dag_id)

    def _keep(self, unchanged: Unchanged | None) -> None:
        """Keep what the next look is compared with; a look that has failed has found nothing."""
        if unchanged is None or unchanged is self._unchanged:
            return
        self._forget_look()
        self._unchanged = unchanged

    def _expect_look(self, seconds: float) -> None:
        """Tell the list of many runs in how many seconds this one is looked at next."""
        if self._unchanged is not None and self._client is not None:
            list_of(self._client).expect(self._unchanged.batches, seconds)

    def _forget_look(self) -> None:
        if self._unchanged is not None and self._client is not None:
            list_of(self._client).forget(self._unchanged.batches)

    def _until_next_look(self, pause: float) -> float:
        """Return the seconds to sleep: until the API may be called again, but not past the deadline."""
        if self._client is None:
            return pause
        now = self._client.now()
        wait = max(pause, _rests.get(self._client, 0.0) - now)
        if self.deadline is None or self._is_late():
            return wait
        return min(wait, max(1.0, self.deadline - now))

    def _is_late(self) -> bool:
        # Only a look knows the API's time.
        return self.deadline is not None and self._client is not None and self._client.now() >= self.deadline

    async def _look_safely(self) -> str | None:
        try:
            return await self._look()
        except Exception as error:  # noqa: BLE001
            forget_client(self.openai_conn_id)
            # A trigger that raises ends a wait of a day; transient errors must not do that.
            if is_denied(error):
                return "denied"
            if isinstance(error, FOR_GOOD) and not isinstance(error, RunUnlisted):
                return type(error).__name__
            self.logger().warning(
                "Could not look at %s (%s); trying again.", self.run_uri, type(error).__name__
            )
            return "deadline" if self._is_late() else None

    async def _look(self) -> str | None:
        # The first import takes seconds, and would block all triggers of this process.
        if not _imported:
            await asyncio.to_thread(_import)
        from airflow_provider_openai_batch.batch.decisions.actions import Wait  # noqa: PLC0415
        from airflow_provider_openai_batch.steps.look.async_look import look  # noqa: PLC0415

        known = await known_of(self.openai_conn_id)
        client = self._client = known.client
        gate = _gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(MOST_LOOKS_AT_ONCE))
        async with gate:
            # Meanwhile, the API may have asked another run to wait.
            rests = client.now() < _rests.get(client, 0.0)
            if rests:
                return "deadline" if self._is_late() else None
            store, shared = await self._store(), list_of(client)
            with tracing.span("look", self.run_uri) as counted:
                looked = await look(store, client, known.settings, shared, self._unchanged)
                counted(tracing.of_look(looked.progress))
        step, self._progress = looked.step, looked.progress
        self._keep(looked.unchanged)
        if not isinstance(step, Wait):
            return type(step).__name__
        _rests[client] = max(step.rest, _rests.get(client, 0.0))
        return "deadline" if self._is_late() else None

    async def _store(self) -> RunStore:
        # A store that is kept reads each file of the run once.
        if self._kept is None:
            self._kept = await _opened(self.run_uri)
        return self._kept


class OpenAIBatchCancellingTrigger(OpenAIBatchRunTrigger):
    """Cancel the run's batches when a person marks the waiting task as failed or done, or clears it."""

    async def on_kill(self) -> None:
        """Cancel; Airflow calls this from 3.3 on, but not if a triggerer shuts down."""
        # Airflow 3.3 ends this call after a second: work that still waits for a thread would be lost,
        # and a call to Airflow would never get its answer.
        in_a_thread = sync_to_async(cancel_run, thread_sensitive=False)
        work = asyncio.ensure_future(in_a_thread(self.run_uri, self.openai_conn_id))
        _cancelling.add(work)
        work.add_done_callback(_cancelling.discard)
        await asyncio.shield(work)


async def _opened(run_uri: str) -> RunStore:
    if is_local(run_uri):
        from airflow_provider_openai_batch.client.in_thread import in_thread  # noqa: PLC0415

        return await in_thread(open_store, run_uri)
    # Opening reads the storage's connection, which may need this event loop. In a task of its own, for it
    # would leave much in the context of this one.
    return await asyncio.create_task(sync_to_async(open_store)(run_uri))


def _import() -> None:
    import_module("airflow_provider_openai_batch.steps.look.async_look")
    # Else the collector of reference cycles goes through all modules of Airflow, again for each few thousand
    # triggers that wait, and holds up every trigger of the process meanwhile.
    gc.freeze()
    _imported.add("async_look")


def _wake(due: asyncio.Future[None]) -> None:
    if not due.done():
        due.set_result(None)


def cancel_run(run_uri: str, openai_conn_id: str, by: str = "on_kill") -> None:
    """Cancel the open batches of a run; warn if that is not possible now."""
    from airflow_provider_openai_batch.steps.wait.advance import cancel  # noqa: PLC0415

    try:
        with closing(OpenAIBatchHook(openai_conn_id).get_client()) as client:
            cancel(open_store(run_uri), client, by)
    except Exception as error:  # noqa: BLE001
        log.warning(
            "The batches of %s could not be cancelled (%s); cancel them at the API.",
            run_uri,
            type(error).__name__,
        )
