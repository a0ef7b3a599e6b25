"""One measurement, in a process of its own: its CPU and its memory are nobody else's.

This module and those of `benchmarks.peers` also run in the peers' environment, which has nothing of ours.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import resource
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

KIB = 1024 if sys.platform != "darwin" else 1
ROOT = Path(__file__).parents[1]
#: Airflow's log of a task is not measured, and modules are compiled once, as where a user installs them.
QUIET = {
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
    "PYTHONWARNINGS": "ignore",
    "PYTHONDONTWRITEBYTECODE": "",
}
#: A measurement that takes longer has failed.
MOST_SECONDS = 1_800


class ChildFailed(RuntimeError):
    """What was measured in another process raised an error, or ended the process."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a measured function used, without its imports: CPU seconds, MB at its peak, wall seconds."""

    cpu: float
    peak: float
    wall: float = 0.0


def in_child(work: str, **given: Any) -> Usage:
    """Measure `module:function` in a new process."""
    child = Child()
    try:
        return child.measure(work, **given)
    finally:
        child.close()


class Child:
    """A process that measures one function after the other, so that its imports are paid for once."""

    def __init__(self, python: str = sys.executable, *, hidden: tuple[str, ...] = ()) -> None:
        """Start it; it does not find the modules that are hidden from it."""
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.children", json.dumps(hidden)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | QUIET,
        )

    def measure(self, work: str, **given: Any) -> Usage:
        """Measure `module:function` there; what fails there is raised here."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        too_long = threading.Timer(MOST_SECONDS, self._process.kill)
        too_long.start()
        try:
            self._process.stdin.write(f"{json.dumps([work, given])}\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            too_long.cancel()
        if not answer:
            raise ChildFailed(f"{work} ended its process (exit code {self._process.wait()}).")
        found = json.loads(answer)
        if "error" in found:
            raise ChildFailed(found["error"])
        return Usage(**found)

    @property
    def runs(self) -> bool:
        """Tell whether it still takes work."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def here(work: str, **given: Any) -> Usage:
    """Measure `module:function` in this process, after `module.warm` has imported what it needs."""
    name, function = work.split(":")
    module = import_module(name)
    module.warm(**given)
    gc.collect()
    highest = _highest()
    used = _used(getattr(module, function), given)
    return Usage(cpu=used.cpu, peak=(_highest() - highest) * KIB / 1e6, wall=used.wall)


def serve(hidden: list[str]) -> None:
    """Measure what each line of the standard input names, and answer each with a line."""
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None hides a module
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what is measured may print
    for line in sys.stdin:
        answers.write(f"{json.dumps(_answer(*json.loads(line)))}\n")
        answers.flush()


def _answer(work: str, given: dict[str, Any]) -> dict[str, Any]:
    try:
        return asdict(here(work, **given))
    except Exception as error:  # noqa: BLE001 - the other measurements go on
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}


def _used(work: Callable[..., None], given: dict[str, Any]) -> Usage:
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    work(**given)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Usage(cpu=cpu, peak=0.0, wall=time.perf_counter() - begun)


def _highest() -> int:
    """Return the most memory that this process has had; Linux also counts that of its parent elsewhere."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    serve(json.loads(sys.argv[1]))
