"""Run the benchmarks and print their table: `python -m benchmarks --quick`."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks import (
    build,
    emulator,
    many_batches,
    page,
    postgres,
    results,
    room,
    second_night,
    shards,
    start,
    waiting,
    whole_run,
)
from benchmarks.children import QUIET, in_child
from benchmarks.lines import Bench, Line, failed, failure, printed
from tests.servers import Postgres, start_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

BENCHMARKS: dict[str, Callable[[Bench], Iterable[Line]]] = {
    "build": build.build,
    "whole_run": whole_run.whole_run,
    "million_rows": whole_run.million_rows,
    "short_rows": whole_run.short_rows,
    "staging_memory": room.staging_memory,
    "load_memory": room.load_memory,
    "growth": room.growth,
    "start": start.start,
    "dag_file": start.dag_file,
    "second_night": second_night.second_night,
    "many_batches": many_batches.many_batches,
    "emulator": emulator.emulator,
    "page": page.page,
    "shards": shards.shards,
    "waiting": waiting.waiting,
    "reading": postgres.reading,
    "writing": postgres.writing,
    "memory": postgres.memory,
}
#: What a quick run leaves out: a million rows, and what takes long and is none of the promises of speed.
LONG = {"million_rows", "reading", "writing", "memory"}
QUICK = [name for name in BENCHMARKS if name not in LONG]
ROWS, QUICK_ROWS = 1_000_000, 100_000
ROUNDS, QUICK_ROUNDS = 3, 2
PEERS = Path(__file__).parents[1] / ".venv-peers/bin/python"


def main(arguments: list[str]) -> int:
    """Measure what is named, else everything; 1 if a limit does not hold, or something has failed."""
    asked = _asked(arguments)
    names = asked.names or (QUICK if asked.quick else list(BENCHMARKS))
    begun, load = time.monotonic(), os.getloadavg()[0]
    os.environ.update(QUIET)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers and folders go, too
    with ExitStack() as opened:
        folder = Path(tempfile.mkdtemp(prefix="benchmarks-"))
        opened.callback(shutil.rmtree, folder, ignore_errors=True)
        os.environ["AIRFLOW_HOME"] = str(folder / "airflow")  # nobody's settings are measured
        bench = Bench(
            rows=asked.rows or (QUICK_ROWS if asked.quick else ROWS),
            postgres=opened.enter_context(_postgres(folder / "data")),
            measure=in_child,
            rounds=asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS),
            quick=asked.quick,
            peers=asked.peers if Path(asked.peers).exists() else "",
        )
        lines = [line for name in names for line in measured(name, BENCHMARKS[name], bench)]
    try:
        if asked.results and not asked.names:
            run = results.Run(
                options="--quick" if asked.quick else "", minutes=(time.monotonic() - begun) / 60, load=load
            )
            results.write(lines, bench, asked.results, run)
    finally:
        print(printed(lines))
        print(results.summary(lines))
    return 0 if all(line.holds for line in lines) else 1


def measured(name: str, benchmark: Callable[[Bench], Iterable[Line]], bench: Bench) -> list[Line]:
    """Return the lines of a benchmark; if it fails, those that it had before, and one with its error."""
    begun, lines = time.monotonic(), []
    try:
        lines.extend(benchmark(bench))
    except Exception as error:  # noqa: BLE001 - the other benchmarks are measured
        traceback.print_exc()
        lines.append(failed(name, error))
    print(f"{name}: {time.monotonic() - begun:.0f} s", printed(lines), sep="\n", file=sys.stderr, flush=True)
    return [replace(line, quick=bench.quick) for line in lines]


def _asked(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--rows", type=int, help="at most so many rows; a million, or 100,000 if quick")
    parser.add_argument("--rounds", type=int, help="3, or 2 if quick; what takes longest is measured once")
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds, in about five minutes")
    parser.add_argument("--peers", default=str(PEERS), help="the Python that has the peers")
    parser.add_argument("--results", type=Path, help="where to write the page, if everything is measured")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.names if name not in BENCHMARKS]:
        parser.error(f"unknown benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    return asked


@contextmanager
def _postgres(data: Path) -> Iterator[Postgres]:
    """Start a server; where that fails, only the benchmarks that need one do."""
    try:
        server = start_postgres(data)
    except (Exception, pytest.skip.Exception) as error:  # noqa: BLE001 - it is said in each line
        yield Unstarted(error)
        return
    try:
        yield Postgres(server.get_uri(), "postgres")
    finally:
        server.cleanup()


class Unstarted(Postgres):
    """Stands for a server that did not start: whoever needs it fails with its error."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __getattr__(self, name: str) -> str:
        raise RuntimeError(f"PostgreSQL did not start ({failure(self._error)})")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
