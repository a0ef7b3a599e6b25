"""What runs cost that wait in one triggerer: memory, CPU, and how long they keep its event loop from others.

The triggers run as Airflow runs them, but while none of them looks, the clock of their event loop jumps to
the next look; the share of a core is of the time that has passed on it. How long the loop is kept is counted
in CPU time of its thread, for other work of the machine only adds to the time that passes.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import selectors
import shutil
import sqlite3
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import openai
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from airflow_provider_openai_batch.steps.submit.stage import stage
from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs
from airflow_provider_openai_batch.steps.wait.advance import advance
from airflow_provider_openai_batch.store.run_store import RunStore
from airflow_provider_openai_batch.triggers.openai_batch import OpenAIBatchRunTrigger
from benchmarks.lines import Bench, Line
from benchmarks.task import SCHEMA, SYSTEM

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

#: So many runs the limits are of; what fewer use is scaled. There is one of so many rows.
OF, ROWS_OF_A_RUN = 10_000, 100
POLL = 300.0
#: How often each run looks.
LOOKS = 2
MANY_SHARDS, ROWS_OF_A_SHARD, MANY_LOOKS = 100, 1_000, 10
MOST_MB, MOST_CORE, MOST_BLOCK_MS = 60.0, 0.06, 50.0
MOST_LOOK_MS, MOST_LOOK_BLOCK_MS = 60.0, 20.0
MEMORY = Path("/dev/shm")
TICKETS = 10
REQUEST = {
    "model": "gpt-5-mini",
    "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "Ticket: {ticket}"}],
}


def waiting(bench: Bench) -> list[Line]:
    """Let 10,000 runs of one batch wait, and look at one run of 100 shards."""
    runs, shards = bench.rows // ROWS_OF_A_RUN, bench.rows // ROWS_OF_A_SHARD
    return [*_many_runs(bench, min(runs, OF)), *_many_shards(bench, min(shards, MANY_SHARDS))]


def _many_runs(bench: Bench, runs: int) -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="waiting-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        emulator = OpenAIBatchEmulator(Path(folder, "emulator"), seconds_to_complete=80_000)
        emulator.start()
        try:
            _copy(_submitted(emulator, folder, "run", shards=1), runs, Path(folder, "emulator"))
            given = {"api": emulator.connection, "folder": folder, "runs": runs}
            used = bench.measure("benchmarks.waiting:wait", **given)
        finally:
            emulator.stop()
        seen = msgspec.json.decode(Path(folder, "seen.json").read_bytes())
    core, mb = used.cpu / seen["seconds"] * OF / runs, used.peak * OF / runs
    of = f"of {OF:,} runs that wait, by {runs:,}"
    looked = f"{seen['looks']:,} looks, {used.cpu * 1_000 / seen['looks']:.2f} ms of CPU each"
    return [
        Line(what=f"memory {of}", ours=f"{used.peak:.0f} MB", share=mb, limit=MOST_MB, unit="MB"),
        Line(what=f"share of a core {of}, at {POLL:.0f} s", ours=looked, share=core, limit=MOST_CORE),
        _blocked(f"event loop kept by {runs:,} runs", seen, MOST_BLOCK_MS),
    ]


def _many_shards(bench: Bench, shards: int) -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="waiting-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        emulator = OpenAIBatchEmulator(Path(folder, "emulator"), seconds_to_complete=80_000)
        emulator.start()
        try:
            _submitted(emulator, folder, "run", shards=shards)
            used = bench.measure("benchmarks.waiting:look_often", api=emulator.connection, folder=folder)
        finally:
            emulator.stop()
        seen = msgspec.json.decode(Path(folder, "seen.json").read_bytes())
    return [
        Line(
            what=f"a look at a run of {shards} shards: CPU",
            ours=f"{MANY_LOOKS} looks, {used.peak:.0f} MB",
            share=used.cpu * 1_000 / MANY_LOOKS,
            limit=MOST_LOOK_MS,
            unit="ms",
        ),
        _blocked(f"event loop kept by a look at {shards} shards", seen, MOST_LOOK_BLOCK_MS),
    ]


def _blocked(what: str, seen: Mapping[str, Any], limit: float) -> Line:
    passed = f"{seen['passed'] * 1_000:.0f} ms passed on this machine"
    return Line(what=what, ours=passed, share=seen["block"] * 1_000, limit=limit, unit="ms")


def warm(**given: Any) -> None:
    """Look at one run, so that imports and first calls are not counted."""
    os.environ["AIRFLOW_CONN_OPENAI_DEFAULT"] = json.dumps(given["api"])
    loop = _JumpingLoop()
    loop.run(_look(_trigger(loop, given["folder"], "run"), 1))


def wait(**given: Any) -> None:
    """Let the triggers of all runs look in turn, and write down what was seen."""
    loop = _JumpingLoop()
    loop.run(_wait(loop, given["folder"], given["runs"]))
    loop.note(given["folder"])


def look_often(**given: Any) -> None:
    """Look at one run several times, as its trigger does."""
    loop = _JumpingLoop()
    loop.run(_look_often(loop, given["folder"]))
    loop.note(given["folder"])


class _CountedTrigger(OpenAIBatchRunTrigger):
    """Tells its loop when it looks."""

    def __init__(self, loop: _JumpingLoop, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._loop = loop

    async def _look_safely(self) -> str | None:
        self._loop.looks += 1
        self._loop.looking += 1
        try:
            return await super()._look_safely()
        finally:
            self._loop.looking -= 1


class _JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait for the next look, and notes how long it works between two waits."""

    def __init__(self) -> None:
        self.looks = self.looking = 0
        self._ahead = 0.0
        self._since = (math.inf, math.inf)
        self._block = self._passed = 0.0
        super().__init__(_Selector(self))
        self._begun = self.time()

    def time(self) -> float:
        """Return the seconds of its clock."""
        return time.monotonic() + self._ahead

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it, and end."""
        with asyncio.Runner(loop_factory=lambda: self) as runner:
            runner.run(work)

    def note(self, folder: str) -> None:
        """Write down what was seen: the looks, the seconds on its clock, and the longest work."""
        seen = {
            "looks": self.looks,
            "seconds": self.time() - self._begun,
            "block": self._block,
            "passed": self._passed,
        }
        Path(folder, "seen.json").write_bytes(msgspec.json.encode(seen))

    def forget(self) -> None:
        """Forget how long it has worked: to open a client takes long, once."""
        self._block = self._passed = 0.0

    def jumps(self, seconds: float) -> bool:
        """Let the clock jump, unless somebody looks."""
        if self.looking:
            return False
        self._ahead += seconds
        return True

    def waits(self) -> None:
        """Note that it has worked."""
        self._block = max(self._block, time.thread_time() - self._since[0])
        self._passed = max(self._passed, time.perf_counter() - self._since[1])

    def works(self) -> None:
        """Note that it goes on to work."""
        self._since = (time.thread_time(), time.perf_counter())


class _Selector(selectors.DefaultSelector):
    """Tells an event loop when it waits; only for as long as something may come."""

    def __init__(self, loop: _JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        """Wait until there is something to do."""
        self._loop.waits()
        found = super().select(0)
        if not found and timeout is not None and timeout > 0 and not self._loop.jumps(timeout):
            found = super().select(timeout)
        elif not found and timeout is None:
            found = super().select()
        self._loop.works()
        return found


async def _wait(loop: _JumpingLoop, folder: str, runs: int) -> None:
    chance = random.Random(1)
    tasks = []
    for number in range(runs):
        trigger = _trigger(loop, folder, f"run-{number}", chance.uniform(0, POLL))
        tasks.append(asyncio.ensure_future(_events(trigger)))
        await asyncio.sleep(0)  # a triggerer starts them one by one, too
    await asyncio.sleep(POLL * LOOKS)
    while tasks:
        await _end(tasks.pop())


async def _end(task: asyncio.Future[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _trigger(loop: _JumpingLoop, folder: str, name: str, first_look: float = 0.0) -> OpenAIBatchRunTrigger:
    return _CountedTrigger(
        loop,
        run_uri=_uri(folder, name),
        openai_conn_id="openai_default",
        poke_interval=POLL,
        max_interval=POLL,
        first_look=first_look,
        deadline=None,
    )


async def _events(trigger: OpenAIBatchRunTrigger) -> None:
    async for event in trigger.run():
        raise RuntimeError(f"A run did not wait: {event.payload}.")


async def _look_often(loop: _JumpingLoop, folder: str) -> None:
    trigger = _trigger(loop, folder, "run")
    await _look(trigger, 1)
    loop.forget()
    await _look(trigger, MANY_LOOKS - 1)


async def _look(trigger: OpenAIBatchRunTrigger, times: int) -> None:
    for _ in range(times):
        if (reason := await trigger._look_safely()) is not None:  # noqa: SLF001
            raise RuntimeError(f"The run did not wait: {reason}.")


def _uri(folder: str, name: str) -> str:
    return f"file://{folder}/runs/{name}"


def _submitted(emulator: OpenAIBatchEmulator, folder: str, name: str, shards: int) -> Path:
    """Submit a run of so many shards of ten requests, and return its folder."""
    source = Path(folder, "tickets.csv")
    rows = (f"{number},Ticket {number}: the export has no header row." for number in range(shards * TICKETS))
    source.write_text("\n".join(["id,ticket", *rows, ""]))
    asked = SubmitArgs(
        source=arguments.source({"path": f"file://{source}", "key": "id"}),
        request=arguments.request(REQUEST),
        output_type=SCHEMA,
        limits=arguments.limits({"requests_per_shard": TICKETS, "preflight": False}),
        run_id=f"dag/task/{name}",
    )
    store = RunStore(ObjectStoragePath(_uri(folder, name)))
    client = Client(openai.OpenAI(base_url=emulator.base_url, api_key=emulator.api_key))
    advance(store, client, Settings(), stage(asked, store, client).attempt)
    client.close()
    emulator.advance(120)  # until they run
    return Path(folder, "runs", name)


def _copy(run: Path, count: int, data: Path) -> None:
    """Make copies of a run of one batch, each with a batch of its own that the emulator knows.

    A file that is the same in all of them is one file of many names.
    """
    made = next(run.glob("shards/*/sends/*/batches/*.json"))
    intent = next(run.glob("shards/*/sends/*/intent.json"))
    batch, file = made.stem, json.loads(intent.read_text())["file_id"]
    with sqlite3.connect(data / "state.sqlite") as database:
        ((record,),) = database.execute("SELECT record FROM batches WHERE id = ?", (batch,))
        for number in range(count):
            copy = run.with_name(f"{run.name}-{number}")
            shutil.copytree(run, copy, copy_function=os.link)
            names = {batch: f"{batch}-{number}", file: f"{file}-{number}"}
            for path in (made, intent):
                target = copy / path.relative_to(run)
                target.unlink()
                target.with_stem(names.get(path.stem, path.stem)).write_text(
                    _renamed(path.read_text(), names)
                )
            database.execute(
                "INSERT INTO batches (id, input_file_id, live, record) VALUES (?, ?, 1, ?)",
                (names[batch], names[file], _renamed(record, names)),
            )
    database.close()


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for name, other in names.items():
        text = text.replace(f'"{name}"', f'"{other}"')
    return text
