"""Run the benchmarks and print their table: `python -m benchmarks --quick`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import build, emulator, many_batches, postgres, results, room, second_night, shards, whole_run
from benchmarks.children import QUIET, in_child
from benchmarks.lines import Bench, Line, printed
from tests.servers import Postgres, start_postgres

if TYPE_CHECKING:
    from collections.abc import Callable

BENCHMARKS: dict[str, Callable[[Bench], list[Line]]] = {
    "build": build.build,
    "whole_run": whole_run.whole_run,
    "short_rows": whole_run.short_rows,
    "staging_memory": room.staging_memory,
    "load_memory": room.load_memory,
    "growth": room.growth,
    "second_night": second_night.second_night,
    "shards": shards.shards,
    "emulator": emulator.emulator,
    "many_batches": many_batches.many_batches,
    "reading": postgres.reading,
    "writing": postgres.writing,
    "memory": postgres.memory,
}
#: What takes long and is none of the promises of speed; a quick run leaves it out.
LONG = {"reading", "writing", "memory"}
QUICK = [name for name in BENCHMARKS if name not in LONG]
ROWS, QUICK_ROWS = 1_000_000, 100_000
PEERS = Path(__file__).parents[1] / ".venv-peers/bin/python"


def main(arguments: list[str]) -> int:
    """Measure what is named, else everything; 1 if a limit does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--rows", type=int, help="at most so many rows; a million, or 100,000 if quick")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="fewer rows, in about five minutes")
    parser.add_argument("--peers", default=str(PEERS), help="the Python that has the peers")
    parser.add_argument("--results", type=Path, help="where to write the page, if everything is measured")
    asked = parser.parse_args(arguments)
    os.environ.update(QUIET)
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = start_postgres(folder / "data")
    try:
        bench = Bench(
            rows=asked.rows or (QUICK_ROWS if asked.quick else ROWS),
            postgres=Postgres(server.get_uri(), "postgres"),
            measure=in_child,
            rounds=asked.rounds,
            quick=asked.quick,
            peers=asked.peers if Path(asked.peers).exists() else "",
        )
        names = asked.names or (QUICK if asked.quick else BENCHMARKS)
        lines = [line for name in names for line in _measured(name, bench)]
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
    if asked.results and not asked.names:
        results.write(lines, bench, asked.results, "--quick" if asked.quick else "")
    print(printed(lines))
    print(results.summary(lines))
    return 0 if all(line.holds for line in lines) else 1


def _measured(name: str, bench: Bench) -> list[Line]:
    begun = time.monotonic()
    lines = BENCHMARKS[name](bench)
    print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
