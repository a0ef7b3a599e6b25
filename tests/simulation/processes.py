"""A process is a greenlet that stops before each call, so that the schedule decides what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
from airflow.providers.common.compat.sdk import AirflowFailException
from greenlet import greenlet

from airflow_provider_openai_batch.airflow_errors import raise_for_airflow
from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.client.sync_client import ShortDownload
from airflow_provider_openai_batch.exceptions import OpenAIBatchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.target import MemoryTable
    from tests.simulation.world import World

EXPECTED = (openai.OpenAIError, OpenAIBatchError, ListFailed, ShortDownload, OSError)


class Killed(BaseException):
    """The process is no more; whatever it still tries is refused."""


class Process:
    """One attempt of a task, or somebody else who acts on the run."""

    def __init__(self, world: World, name: str, work: Callable[[Process], Any]) -> None:
        self.world, self.name = world, name
        self.nonces = 0
        self.dead = False
        self.wakes = 0.0
        self.killed = False
        self.wants: MemoryTable | None = None
        self.value: Any = None
        self.error: BaseException | None = None
        self._work = work
        self._greenlet = greenlet(self._run)

    @property
    def runnable(self) -> bool:
        """Tell whether it could go on now."""
        free = self.wants is None or self.wants.holder is None
        return not self.dead and self.wakes <= self.world.now and free

    @property
    def failed_for_good(self) -> bool:
        """Tell whether Airflow does not try again."""
        return isinstance(self.error, AirflowFailException)

    def go_on(self) -> None:
        """Let it run until it stops again."""
        self._greenlet.switch()

    def kill(self) -> None:
        """End it where it stands, as SIGKILL does; called between processes only."""
        if not self.dead:
            self.dead = self.killed = True
            if self._greenlet:  # has begun
                self._greenlet.throw(Killed)

    def point(self, what: str, cost: float) -> None:
        """Stop before a call."""
        if self.dead:
            raise Killed
        self.world.now += cost
        self.world.step(self, what)

    def stop(self) -> None:
        """Give way to the others, and to the world."""
        self._greenlet.parent.switch()
        if self.dead:
            raise Killed

    def sleep(self, seconds: float) -> None:
        """Go on later."""
        self.wakes = self.world.now + seconds
        self.stop()

    def crash(self) -> None:
        """End it from within."""
        self.dead = True
        raise Killed

    def wait_for(self, table: MemoryTable) -> None:
        """Take the lock of the table as soon as it is free."""
        self.point("lock the table", 0.1)
        while table.holder is not None:
            self.wants = table
            self.stop()
        self.wants = None
        table.holder = self

    def _run(self) -> None:
        try:
            with raise_for_airflow():
                self.value = self._work(self)
        except Killed:
            self.killed, self.error = True, None
        except Exception as error:  # noqa: BLE001
            self.error = error
            if not isinstance(error, (*EXPECTED, AirflowFailException)):
                self.world.violate("runs_not_ended", f"{self.name} raised {error!r}")
        self.dead = True


class Onlooker(Process):
    """Looks without being interrupted: it writes nothing, so that it matters not when."""

    def point(self, what: str, cost: float) -> None:
        """Go on."""
        self.world.now += cost

    def sleep(self, seconds: float) -> None:
        """Let the time pass for all."""
        self.world.now += seconds
