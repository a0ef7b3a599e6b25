"""What people and the weather do while a run is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.steps.wait.advance import cancel
from tests.simulation.client import MemoryClient
from tests.simulation.processes import Process
from tests.simulation.store import MemoryStore

if TYPE_CHECKING:
    from tests.simulation.world import World

OUTAGE = 2_700.0
DENIED = 1_200.0
WRONG_KEY = 7_200.0


class Incidents:
    """Each incident by its name."""

    def __init__(self, world: World) -> None:
        self._world = world
        #: The project that the connection belongs to, as far as people know.
        self._project = world.key

    def maybe(self, kind: str, where: str) -> None:
        """Let something happen, or not."""
        way = self._world.choose(kind, where)
        if way == "zombie":
            self._world.dag_run.start(self._world.dag_run.task)
        elif way:
            self.happen(way)

    def happen(self, way: str) -> None:
        """Let it happen."""
        self._world.tell("the world", f"does: {way}")
        getattr(self, f"_{way}")()

    def _clear(self) -> None:
        self._end_current()
        self._world.dag_run.clear("submit")

    def _clear_rows(self) -> None:
        self._end_current()
        self._world.dag_run.clear("submit", self._world.dag_run.version.changed_rows())

    def _clear_prompt(self) -> None:
        self._end_current()
        self._world.dag_run.clear("submit", self._world.dag_run.version.changed_prompt())

    def _clear_wait(self) -> None:
        if self._world.dag_run.task != "submit":
            self._end_current()
            self._world.dag_run.clear("wait")

    def _clear_load(self) -> None:
        self._world.dag_run.clear("load")

    def _person_cancels(self) -> None:
        batch = next((batch for batch in self._world.service.batches.values() if batch.live), None)
        if batch is not None:
            batch.cancel()

    def _on_kill(self) -> None:
        """A person marks the waiting task as failed, and the task cancels its batches."""
        run = self._world.dag_run
        if run.task != "wait" or run.state not in {"running", "deferred"}:
            return
        self._end_current()

        def work(process: Process) -> None:
            cancel(MemoryStore(process), MemoryClient(process))

        self._world.spawn(Process(self._world, run.name("on_kill"), work))
        run.fail()

    def _outage(self) -> None:
        self._world.outage_until = self._world.now + OUTAGE

    def _denied(self) -> None:
        self._world.denied_until = self._world.now + DENIED

    def correct_key(self) -> None:
        """Point the connection at the other project for good: the run does not belong to this one."""
        self._project = _other(self._world.key)
        self._right_key()

    def _wrong_key(self) -> None:
        """Point the connection at a project that is not its own, until somebody sees it."""
        self._use_key(_other(self._project))
        self._world.later(WRONG_KEY, self._right_key)

    def _right_key(self) -> None:
        self._use_key(self._project)

    def _use_key(self, key: str) -> None:
        if key != self._world.key:
            self._world.key = key
            self._world.tell("the world", f"has the key of project {key} now")

    def _wipe(self) -> None:
        """The folder is lost, and with it the machine that the processes ran on."""
        for process in list(self._world.live):
            process.kill()
            self._world.bury(process)
        self._world.watch.wiped()
        self._world.folder.clear()

    def _end_current(self) -> None:
        """End the running attempt, unless it does not hear of it."""
        process = self._world.dag_run.current
        if process is None or process.dead or self._world.choose("salt", "clear"):
            return
        process.kill()
        self._world.dag_run.current = None
        self._world.bury(process)


def _other(project: str) -> str:
    return "B" if project == "A" else "A"
