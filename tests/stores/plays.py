"""Stories on an object store that has troubles of its own, and whose processes are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.combinations import tell
from tests.faults.draw import Extra, draw
from tests.faults.play import Play
from tests.stores.child import Order
from tests.stores.proxy import Troubles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.draw import Combination
    from tests.laws.figures import Figures
    from tests.stores.conftest import Bucket
    from tests.stores.proxy import Call, Reply

ROOT = Path(__file__).parents[2]
#: Real seconds after which a child that hangs is given up.
PATIENCE = 120
#: What clears, retries, and second processes do to a run in turn.
BUSY = (
    (0, Extra.TWO_ATTEMPTS), (1, Extra.RETRY), (1, Extra.ZOMBIE), (2, Extra.CLEAR_ROWS),
    (2, Extra.TWO_ATTEMPTS), (3, Extra.ZOMBIE),
)  # fmt: skip
#: Extras by which two processes work on a run at the same time.
SIDE_BY_SIDE = frozenset({Extra.TWO_ATTEMPTS})


@dataclass
class StorePlay(Play):
    """A story whose tasks meet a store with troubles until all faults end; the judge reads without them."""

    bucket: Bucket | None = None
    troubles: Troubles = field(default_factory=Troubles)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._inside, self._turnstile = 0, threading.Lock()

    def _try_to(self, what: str, do: Callable[[], Any]) -> Any:
        assert self.bucket is not None
        with self._turnstile:
            self._inside += 1
            if self._inside == 1:  # tasks begin minutes after others, when nothing lags any more
                self.bucket.proxy.books.born.clear()
            self.bucket.proxy.troubles = Troubles() if self._is_calm else self.troubles
        try:
            return super()._try_to(what, do)
        finally:
            with self._turnstile:
                self._inside -= 1
                if not self._inside:
                    self.bucket.proxy.calm()


@dataclass
class KilledPlay(StorePlay):
    """A story in which one process of each task is killed at an operation on the store, and tried again."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.unknown_uploads = (
            1  # what dies between an upload and its intent leaves one, which ends by itself
        )
        self._to_kill = {"submit", "wait", "load"}
        self._kills = random.Random(f"kills {self.plan.seed}")

    def _submit_once(self) -> Any:
        self._kill("submit")
        return super()._submit_once()

    def _look(self) -> bool:
        self._kill("wait")
        return super()._look()

    def _load(self) -> None:
        self._kill("load")
        super()._load()

    def _kill(self, task: str) -> None:
        if task not in self._to_kill or self._is_away:
            return
        self._to_kill.remove(task)
        assert self.bucket is not None
        before = self.world.warehouse.read()
        at = self._kills.randint(1, {"submit": 60, "wait": 30, "load": 40}[task])
        with striking(self.bucket, at, after=self._kills.random() < 0.5) as victim:
            end = victim.run(self._order(task))
        self._tell(f"-- {task} is killed at operation {at}: {end}")
        self.states |= {before, self.world.warehouse.read()} if task == "load" else set()
        if task == "submit":
            self._tries = self._tries.again()

    def _order(self, task: str) -> Order:
        assert self.bucket is not None
        names = ("runs", "limits", "prompt", "endpoint", "output_type")
        return Order(
            task=task,
            store_url=self.bucket.proxy.url,
            api=self.world.emulator.base_url,
            folder=str(self.world.folder),
            tries=self._tries,
            options={name: getattr(self.world, name) for name in names} | {"seed": self.plan.seed + 1_000},
        )


@dataclass
class Victim:
    """A process that is killed at an operation on the store."""

    process: subprocess.Popen[bytes] | None = None
    is_struck: bool = False

    def run(self, order: Order) -> str:
        """Let it do its task as far as it comes; say how it ended."""
        command = [sys.executable, "-m", "tests.stores.child", order.encoded()]
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        _, errors = self.process.communicate(timeout=PATIENCE)
        if self.process.returncode not in {0, 1, -signal.SIGKILL}:
            raise RuntimeError(errors.decode())
        return "struck" if self.is_struck else f"ended before, with {self.process.returncode}"

    def strike(self) -> None:
        """Kill it: nothing of it runs any more."""
        assert self.process is not None
        self.is_struck = True
        self.process.kill()
        self.process.wait()


@contextmanager
def striking(bucket: Bucket, at: int, *, after: bool) -> Iterator[Victim]:
    """Give a process that dies at this operation, before or after the store has acted."""
    victim, count = Victim(), 0

    def strike(call: Call) -> Reply | None:
        nonlocal count
        count += 1
        if count != at:
            return None
        reply = bucket.proxy._act(call) if after else bucket.proxy.wire.error(403, "Killed")
        victim.strike()
        return reply

    bucket.proxy.troubles = Troubles(on_call=strike)
    try:
        yield victim
    finally:
        bucket.proxy.calm()


def busy(plan: Combination) -> Combination:
    """Return a story in which two processes live at a time, again and again."""
    return replace(plan, extras=BUSY)


def alone(plan: Combination) -> Combination:
    """Return a story without two processes at one time."""
    return replace(plan, extras=tuple(one for one in plan.extras if one[1] not in SIDE_BY_SIDE))


def play_on(
    bucket: Bucket, seed_or_plan: int | Combination, folder: Path,
    kind: type[StorePlay] = StorePlay, troubles: Troubles | None = None,
) -> tuple[Figures, str]:  # fmt: skip
    """Play a story on a bucket, and judge it."""
    plan = draw(seed_or_plan) if isinstance(seed_or_plan, int) else seed_or_plan
    runs = f"{bucket.root}/{folder.name}"

    def make(world: Any, drawn: Combination) -> StorePlay:
        return kind(world, drawn, bucket=bucket, troubles=troubles or Troubles())

    figures, story = tell(plan, runs, make)
    return figures, "\n".join(story)
