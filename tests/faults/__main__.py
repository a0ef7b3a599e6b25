"""Try every fault there is (`make faults`), and print one table of what was tried and what broke."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests import conftest
from tests.faults.parts import EXAMPLES, PARTS, fits, jobs
from tests.laws.figures import Figures, is_tried

if TYPE_CHECKING:
    from collections.abc import Sequence

LANES = 2
MINUTE = 60
WORDS = {
    "fault_combinations_tried": "fault combinations tried over HTTP",
    "requests_executed_too_often": "requests executed more often than law 2 allows",
}
#: Airflow's hooks tell each connection that they open.
QUIET = {"AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"}


def main() -> int:
    """Play one seed, do one part, or do all parts beside each other; 1 when anything broke."""
    asked = read_arguments()
    began = time.monotonic()
    failed: list[str] = []
    try:
        if asked.seed is not None:
            figures = PARTS["combinations"](1, asked.seed, story=True)
        elif asked.part:
            figures = PARTS[asked.part](*asked.numbers)
        else:
            figures, failed = all_parts(quick=asked.quick)
    finally:
        conftest.pytest_unconfigure()
    if asked.into:
        asked.into.write_text(json.dumps(asdict(figures)))
        return 0
    is_one = asked.seed is not None
    print(table_of_one(figures) if is_one else table(figures, time.monotonic() - began))
    for part in failed:
        print(f"{part} did not come to its end; see above.")
    return int(broke(figures) or bool(failed))


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="a short pass of a few minutes")
    parser.add_argument("--seed", type=int, help="play this combination of faults alone and tell its story")
    parser.add_argument("--part", choices=PARTS, help="do this part alone")
    parser.add_argument("--numbers", type=int, nargs="*", default=(), help="how much of the part, see below")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if (asked.part and not fits(asked.part, asked.numbers)) or (asked.numbers and not asked.part):
        parser.error(f"--numbers does not fit --part\n{EXAMPLES}")
    return asked


def all_parts(*, quick: bool) -> tuple[Figures, list[str]]:
    """Do each part in a process of its own, two at a time; name those that failed."""
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(LANES) as lanes:
        running = [
            (part, numbers, lanes.submit(in_process, part, numbers, Path(folder) / f"{n}.json"))
            for n, (part, numbers) in enumerate(jobs(quick=quick))
        ]
        total = Figures()
        for part, numbers, job in running:
            figures = job.result()
            total += figures or Figures()
            failed += [] if figures else [f"{part} {numbers}"]
    return total, failed


def in_process(part: str, numbers: tuple[int, ...], into: Path) -> Figures | None:
    """Do a part in a process; None when it fails, which it has told."""
    command = [sys.executable, "-m", "tests.faults", "--part", part, "--into", str(into)]
    ended = subprocess.run([*command, "--numbers", *map(str, numbers)], check=False, env=os.environ | QUIET)
    return Figures(**json.loads(into.read_text())) if ended.returncode == 0 else None


def broke(figures: Figures) -> bool:
    """Tell whether a law was broken."""
    return any(count for name, count in asdict(figures).items() if not is_tried(name))


def table(figures: Figures, seconds: float) -> str:
    """Return the figures, one to a line."""
    told = {name: count for name, count in asdict(figures).items() if count or not is_tried(name)}
    took = f"{seconds / MINUTE:.0f} minutes" if seconds >= 2 * MINUTE else f"{seconds:.0f} seconds"
    return "\n".join(["", *lines(told), "", f"{verdict(figures)} It took {took}."])


def table_of_one(figures: Figures) -> str:
    """Return what became of the one combination that was played."""
    told = {name: count for name, count in asdict(figures).items() if not is_tried(name)}
    return "\n".join(["Of this one combination:", *lines(told), "", verdict(figures)])


def lines(counts: dict[str, int]) -> list[str]:
    """Name each figure for a person."""
    return [f"{WORDS.get(name, name.replace('_', ' ')):<48}{count:>12,}" for name, count in counts.items()]


def verdict(figures: Figures) -> str:
    """Say whether the laws held."""
    return "A law was broken." if broke(figures) else "All laws held."


if __name__ == "__main__":
    sys.exit(main())
