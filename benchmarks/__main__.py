"""Run the benchmarks and print their table: `python -m benchmarks --rows 100000 reading`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import postgres, second_night, shards
from benchmarks.children import in_child
from benchmarks.lines import Bench, Line, printed
from tests.servers import Postgres, start_postgres

if TYPE_CHECKING:
    from collections.abc import Callable

BENCHMARKS: dict[str, Callable[[Bench], list[Line]]] = {
    "reading": postgres.reading,
    "writing": postgres.writing,
    "memory": postgres.memory,
    "second_night": second_night.second_night,
    "shards": shards.shards,
}


def main(arguments: list[str]) -> int:
    """Measure what is named, else everything; 1 if a limit does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = start_postgres(folder / "data")
    try:
        database = Postgres(server.get_uri(), "postgres")
        bench = Bench(rows=asked.rows, postgres=database, measure=in_child)
        lines = [line for name in asked.names or BENCHMARKS for line in BENCHMARKS[name](bench)]
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{asked.rows:,} rows of about 1 KB; CPU seconds of the client and MB above its imports")
    print(printed(lines))
    return 0 if all(line.holds for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
