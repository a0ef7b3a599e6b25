"""Airflow's part: tries and retries, a wait that looks now and then, a person who clears what failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.airflow_errors import is_denied
from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.decisions.actions import Wait
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.exceptions import OpenAIBatchError, TooManyFailures
from airflow_provider_openai_batch.steps.load.around import Place
from airflow_provider_openai_batch.steps.load.load import load_into
from airflow_provider_openai_batch.steps.look.async_look import look
from airflow_provider_openai_batch.steps.run_folder.recorded import recorded_conn_id
from tests.simulation.client import AsyncMemoryClient, MemoryClient
from tests.simulation.processes import Onlooker, Process
from tests.simulation.store import MemoryStore
from tests.simulation.target import MemoryTarget
from tests.world import pipeline
from tests.world.tries import Tries

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.batch.run import facts
    from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs
    from tests.simulation.tables import Version
    from tests.simulation.world import World

RETRIES = 8
RETRY_DELAY = 300.0
PERSON = 3_600.0
FIRST_POKE = 30.0
GROWTH = 1.5
MOST_CLEARS = 12
ORDER = ("submit", "wait", "load")
TARGET = arguments.target({"conn_id": "warehouse", "table": "labels"})


class Inline(asyncio.SelectorEventLoop):
    """An event loop whose threads are none: a look is one step."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Call it here and now."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001
            done.set_exception(error)
        return done


LOOP = Inline()


def submit(process: Process, version: Version, tries: Tries) -> None:
    """Submit as the operator does."""
    pipeline.submit(asked(process.world, version, tries), MemoryStore(process), MemoryClient(process))


def wait(process: Process) -> bool:
    """Wait as the sensor does; True when all is answered."""
    store, client = MemoryStore(process), MemoryClient(process)
    recorded_conn_id(store)
    return pipeline.wait(store, client)


def load(process: Process) -> None:
    """Do what the load operator does."""
    store, client = MemoryStore(process), MemoryClient(process)
    recorded_conn_id(store)

    def place(_: facts.Submission) -> Place:
        return Place(args=TARGET, table=MemoryTarget(process.world, process))

    process.world.watch.loading(process, client.account)
    try:
        load_into(store, client, Settings(), place)
    except TooManyFailures:
        return


def asked(world: World, version: Version, tries: Tries) -> SubmitArgs:
    """Return the arguments of submit; under a cap the output is bounded, so that the estimate is exact."""
    bounds = {} if world.scenario.cap is None else {"max_completion_tokens": 2}
    return pipeline.submit_args(
        source={"key": "id"},
        rows=list(version.rows),
        request=pipeline.request_for(version.prompt, model="m") | bounds,
        limits={
            "requests_per_shard": world.scenario.shard,
            "max_attempts": world.scenario.max_attempts,
            "reask_invalid": world.scenario.reask,
            "preflight": world.scenario.preflight,
            "max_cost_usd": world.scenario.cap,
        },
        tries=tries,
    )


class DagRun:
    """submit >> wait >> load of one dag run."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.version = world.watch.version
        self.task = "submit"
        self.state = "running"
        self.current: Process | None = None
        self.stopped: BaseException | None = None
        self.clears = 0
        self._tries = dict.fromkeys(ORDER, Tries(retries=RETRIES))
        self._names: dict[str, int] = {}
        self._token = 0
        self._failed_before = ""
        self._error: BaseException | None = None

    def start(self, task: str) -> None:
        """Let an attempt of a task begin; it is the one whose end counts."""
        self._token += 1
        self.task, self.state = task, "running"
        works: dict[str, Callable[[Process], Any]] = {"submit": self._submit(), "wait": wait, "load": load}
        self.current = self.world.spawn(Process(self.world, self.name(task), works[task]))
        self.world.tell(self.current.name, "begins")

    def name(self, task: str) -> str:
        """Name a process."""
        self._names[task] = self._names.get(task, 0) + 1
        return f"{task}-{self._names[task]}"

    def take_for_dead(self, process: Process) -> None:
        """Begin the next try although the last one may still live."""
        if process is self.current and self.state in {"running", "deferred"}:
            self._retry()

    def ended(self, process: Process) -> None:
        """Do what Airflow does when a process ends; of an attempt that it has given up, nothing."""
        self.world.tell(process.name, _ending(process))
        if process is not self.current:
            return
        if process.error is None and not process.killed:
            self._succeeded(process)
        elif process.failed_for_good or self._tries[self.task].is_over:
            self._failed(process)
        else:
            self._later(RETRY_DELAY, self._retry)

    def clear(self, task: str, version: Version | None = None) -> None:
        """Clear a task and what comes after it."""
        self.clears += 1
        if version is not None:
            self.version = version
        self.world.watch.cleared(task, self.version)
        for name in ORDER[ORDER.index(task) :]:
            self._tries[name] = self._tries[name].cleared()
        self.start(task)

    def fail(self) -> None:
        """Mark the task as failed, as a person does; a person comes back to it."""
        self._token += 1
        self.state, self.current = "failed", None
        self._later(PERSON, self._person_comes)

    def _submit(self) -> Callable[[Process], None]:
        version, tries = self.version, self._tries["submit"]
        return lambda process: submit(process, version, tries)

    def _retry(self) -> None:
        self._tries[self.task] = self._tries[self.task].again()
        self.start(self.task)

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        token = self._token

        def act() -> None:
            if token == self._token:
                do()

        self.world.later(seconds, act)

    def _succeeded(self, process: Process) -> None:
        self._failed_before = ""
        if self.task == "load":
            self._landed()
        elif self.task == "submit":
            self.start("wait")
        elif process.value:
            self.start("load")
        else:
            self.state = "deferred"
            self._defer()

    def _defer(self) -> None:
        onlooker = Onlooker(self.world, self.name("trigger"), lambda _: None)
        store, pause = MemoryStore(onlooker), FIRST_POKE
        token = self._token

        def poke() -> None:
            nonlocal pause
            wakes = self._looks(onlooker, store)
            if token != self._token:  # somebody cleared the task while the trigger looked
                return
            if wakes:
                self.start("wait")
                return
            pause = min(pause * GROWTH, self.world.scenario.max_wait)
            self._later(pause, poke)

        self._later(pause, poke)

    def _looks(self, onlooker: Onlooker, store: MemoryStore) -> bool:
        """Look as the trigger does; True when the task must wake up."""
        self.world.incidents.maybe("idle", onlooker.name)
        if self.state != "deferred":
            return False
        try:
            looked = LOOP.run_until_complete(look(store, AsyncMemoryClient(onlooker), Settings()))  # type: ignore[arg-type]
        except OpenAIBatchError:
            return True
        except Exception as error:  # noqa: BLE001
            return is_denied(error)
        return not isinstance(looked.step, Wait)

    def _failed(self, process: Process) -> None:
        self.state, self._error = "failed", process.error
        if self.world.watch.may_stop(process.error):
            self.state, self.stopped = "stopped", process.error
            return
        self._later(PERSON, self._person_comes)

    def _person_comes(self) -> None:
        """Clear what failed: wait when load did; submit when it failed before in the same place."""
        if self.clears > MOST_CLEARS + len(self.world.choices.taken):
            self.world.violate("runs_not_ended", f"{self.task} fails whatever a person clears")
            return
        if self._error is not None and "belong together" in str(self._error):
            self.world.incidents.correct_key()
        self.world.tell("a person", f"clears what failed: {self.task}")
        again = self._failed_before == self.task
        self._failed_before = self.task
        self.clear("submit" if again or self.task == "submit" else "wait")

    def _landed(self) -> None:
        self.state = "landed"
        self.world.incidents.maybe("landed", "landed")


def _ending(process: Process) -> str:
    if process.killed:
        return "is dead"
    if process.error is None:
        return f"ends well ({process.value})" if process.value is not None else "ends well"
    return f"fails: {type(process.error).__name__}: {process.error}"
