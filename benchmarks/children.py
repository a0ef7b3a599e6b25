"""One measurement, in a process of its own: its CPU and its memory are nobody else's."""

from __future__ import annotations

import json
import logging
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

KIB = 1024 if sys.platform != "darwin" else 1


@dataclass(frozen=True, slots=True)
class Usage:
    """What a measured function used, without its imports: CPU seconds, and MB at its peak."""

    cpu: float
    peak: float


def in_child(work: str, **given: Any) -> Usage:
    """Measure `module:function` in a new process."""
    command = [sys.executable, "-m", "benchmarks.children", work, json.dumps(given)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Usage(**json.loads(done.stdout.splitlines()[-1]))


def here(work: str, rounds: int = 1, **given: Any) -> Usage:
    """Measure `module:function` in this process, after `module.warm` has imported what it needs.

    What is done in rounds is done anew in each; the least CPU counts, for other work only adds to it.
    """
    name, function = work.split(":")
    module = import_module(name)
    module.warm(**given)
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu = min(_cpu(getattr(module, function), given) for _ in range(rounds))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - highest
    return Usage(cpu=cpu, peak=peak * KIB / 1e6)


def _cpu(work: Callable[..., None], given: dict[str, Any]) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    work(**given)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    print(json.dumps(asdict(here(sys.argv[1], **json.loads(sys.argv[2])))))
