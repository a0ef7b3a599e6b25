"""The world of one schedule: its time, its processes, and what happens when."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from tests.laws.figures import Violation
from tests.simulation.airflow import DagRun
from tests.simulation.incidents import Incidents
from tests.simulation.processes import Onlooker, Process
from tests.simulation.scenario import INCIDENTS
from tests.simulation.service import Service
from tests.simulation.store import MemoryStore
from tests.simulation.target import MemoryTable
from tests.simulation.watch import NOT_ENDED, Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.choices import Choices
    from tests.simulation.scenario import Scenario

START = 1_900_000_000.0
MOST_POINTS = 30_000
LONGEST = 21 * 86_400.0  #: a run that nothing disturbs any more has ended after this
STALLS = {"stall": 720.0, "hang": 2_700.0, "abandon": 720.0, "abandon_long": 100_000.0}
RETRY_SOON = 5.0


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the story."""

    at: float
    who: str
    what: str


class Endless(Exception):
    """The schedule takes more calls than any run needs."""


class World:
    """Runs the processes one at a time and lets the choices decide which, and what befalls them."""

    def __init__(self, scenario: Scenario, choices: Choices) -> None:
        self.scenario, self.choices = scenario, choices
        self.now = self.disturbed_at = START
        self.folder: dict[str, bytes] = {}
        self.story: list[Told] = []
        self.key = "A"
        self.outage_until = self.denied_until = 0.0
        self.points = 0
        self.live: list[Process] = []
        self._agenda: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0
        self._turn: Process | None = None
        self.table = MemoryTable()
        self.watch = Watch(self)
        self.service = Service(self)
        self.dag_run = DagRun(self)
        self.incidents = Incidents(self)

    def play(self) -> World:
        """Play the schedule to its end, and check the laws."""
        self.dag_run.start("submit")
        try:
            while self._go_on():
                if self.watch.broken:
                    break
        except Endless:
            self.violate(NOT_ENDED, f"more than {MOST_POINTS:,} calls")
        self._end_all()
        if not self.watch.broken:
            self.watch.check_end()
        return self

    def choose(self, kind: str, where: str, without: tuple[str, ...] = ()) -> str:
        """Let the choices pick one of the ways that the scenario allows here, or the usual."""
        ways = tuple(way for way in self.scenario.ways(kind) if way not in without)
        way = self.choices.pick(kind, where, ways) if ways else ""
        if way:
            self.disturbed_at = self.now
            if kind != "step":
                self.tell(where, f"meets {kind}: {way}")
        return way

    def step(self, process: Process, what: str) -> None:
        """Decide, before a call of a process, what happens first."""
        self.points += 1
        if self.points > MOST_POINTS:
            raise Endless
        alone = ("pause",) if len(self.live) < 2 else ()
        here = process.name.startswith(self.scenario.where)
        way = self.choose("step", process.name, alone) if here else ""
        if way:
            self.tell(process.name, f"meets {way}, about to {what}")
        self._befall(process, way)
        if way or (self._agenda and self._agenda[0][0] <= self.now):
            process.stop()

    def spawn(self, process: Process) -> Process:
        """Let a process begin."""
        self.live.append(process)
        return process

    def later(self, seconds: float, do: Callable[..., None], *told: Any) -> None:
        """Put something on the agenda."""
        self._count += 1
        heapq.heappush(self._agenda, (self.now + seconds, self._count, do, told))

    def tell(self, who: str, what: str) -> None:
        """Add a line to the story."""
        self.story.append(Told(self.now, who, what))

    def violate(self, figure: str, told: str) -> None:
        """Note that a law is broken."""
        broken = Violation(figure, told)
        self.tell("VIOLATION", str(broken))
        self.watch.broken.append(broken)

    def postpone_create(self, seconds: float, project: str, file_id: str, told: dict[str, str]) -> None:
        """Let a create act after its client gave up."""

        def act() -> None:
            self.watch.pending -= 1
            self.service.create(project, file_id, told, "a late create")

        self.watch.pending += 1
        self.later(seconds, act)

    def delete_failed(self, who: str, file_id: str) -> None:
        """Remember that a file may be left for this reason."""
        self.watch.undeleted.add((who, file_id))

    def _befall(self, process: Process, way: str) -> None:
        if way == "crash":
            process.crash()
        if way in STALLS:
            process.wakes = self.now + STALLS[way]
        if way.startswith("abandon"):
            self.later(300.0, self.dag_run.take_for_dead, process)
        if way == "zombie":
            self.later(0.0, self.dag_run.take_for_dead, process)
        if way == "pause":
            self._turn = None
            process.wakes = self.now
            self.live.remove(process)
            self.live.append(process)
        if way in INCIDENTS:
            self.later(0.0, self.incidents.happen, way)

    def _go_on(self) -> bool:
        """Do the next thing; False when there is none."""
        if self._agenda and self._agenda[0][0] <= self.now:
            _, _, do, told = heapq.heappop(self._agenda)
            do(*told)
            return True
        process = self._next()
        if process is not None:
            self._turn = process
            process.go_on()
            if process.dead:
                self.bury(process)
            return True
        return self._wait()

    def _next(self) -> Process | None:
        if self._turn is not None and self._turn.runnable:
            return self._turn
        return next((process for process in self.live if process.runnable), None)

    def _wait(self) -> bool:
        times = [process.wakes for process in self.live if process.wakes > self.now]
        times += [self._agenda[0][0]] if self._agenda else []
        if not times:
            return False
        self.now = min(times)
        if self.now - self.disturbed_at > LONGEST:
            self.violate(NOT_ENDED, "undisturbed for three weeks, and the run has not ended")
            return False
        return True

    def view(self, folder: dict[str, bytes]) -> MemoryStore:
        """Look at a state of the folder without taking part in the schedule."""
        shadow = cast("World", SimpleNamespace(folder=folder, now=self.now, scenario=self.scenario))
        return MemoryStore(Onlooker(shadow, "view", lambda _: None))

    def bury(self, process: Process) -> None:
        """Take note of the end of a process."""
        if process in self.live:
            self.live.remove(process)
            self.dag_run.ended(process)

    def _end_all(self) -> None:
        for process in self.live:
            process.kill()
        self.live = []
