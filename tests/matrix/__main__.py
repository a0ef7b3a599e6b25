"""`python -m tests.matrix [CELL...]`: install as users do, test the border there, fill docs/versions.md."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.matrix import page
from tests.matrix.cells import CELLS, Cell
from tests.matrix.environment import HOME, ROOT, Environment, NoPython, Unresolved

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What a version can break: the client, reading what servers write, the hooks, the operators through
#: `dag.test()`, the examples, and Arrow's types.
TESTS = (
    "tests/batch/answer",
    "tests/batch/api",
    "tests/batch/output",
    "tests/client",
    "tests/steps/collect",
    "tests/hooks",
    "tests/operators",
    "tests/sensors",
    "tests/triggers",
    "tests/test_task_group.py",
    "tests/test_examples.py",
    "tests/airflow/test_failures.py",
    "tests/airflow/test_modes.py",
    "tests/steps/load/test_load.py",
    "tests/tables/targets/test_parquet.py",
    "tests/tables/types/test_arrow_types.py",
    "tests/packaging/test_readme.py",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of a cell."""

    cell: Cell
    outcome: str
    versions: dict[str, str]

    @property
    def holds(self) -> bool:
        """Tell whether all that ran passed."""
        return "passed" in self.outcome and "failed" not in self.outcome and "error" not in self.outcome

    def line(self) -> str:
        """Return the cell's line of the table."""
        versions = [self.versions.get(name, "-") for name in page.SHOWN]
        told = [self.cell.name, self.cell.python, *versions, self.outcome, f"{datetime.now(UTC):%Y-%m-%d}"]
        return f"| {' | '.join(told)} |"


def main() -> int:
    """Run the cells asked for, and print the table; 0 when all hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("cells", nargs="*", metavar="CELL", help=", ".join(cell.name for cell in CELLS))
    parser.add_argument("--tests", nargs="+", default=TESTS, help="instead of the tests of the border")
    asked = parser.parse_args()
    names = asked.cells or [cell.name for cell in CELLS]
    if unknown := set(names) - {cell.name for cell in CELLS}:
        parser.error(f"there is no cell {min(unknown)!r}")
    results = []
    for cell in (cell for cell in CELLS if cell.name in names):
        results.append(run(cell, asked.tests))
        if asked.tests == TESTS:
            page.note(cell.name, results[-1].line())
    print("\n" + page.table({result.cell.name: result.line() for result in results}))
    return 0 if all(result.holds for result in results) else 1


def run(cell: Cell, tests: Sequence[str]) -> Result:
    """Install and test one cell."""
    print(f"{cell.name}: installing", flush=True)
    environment = Environment(cell)
    try:
        environment.make()
    except NoPython:
        return Result(cell=cell, outcome=f"no Python {cell.python} here", versions={})
    except Unresolved as error:
        print(error)
        return Result(cell=cell, outcome="cannot be installed", versions={})
    print(f"{cell.name}: testing", flush=True)
    return Result(cell=cell, outcome=_test(environment, tests), versions=environment.versions)


def _test(environment: Environment, tests: Sequence[str]) -> str:
    """Run the tests, leave their output beside the environment, and return pytest's last line."""
    quiet = ["-q", "-W", "ignore", "-o", f"cache_dir={HOME}/{environment.cell.name}.cache"]
    command = [str(environment.python), "-m", "pytest", *quiet, *tests]
    log = HOME / f"{environment.cell.name}.log"
    # The package is the installed one, and bytecode is kept: a new environment has none.
    left_out = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
    inherited = {name: value for name, value in os.environ.items() if name not in left_out}
    with log.open("w") as output:
        subprocess.run(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, env=inherited,
            check=False,
        )  # fmt: skip
    lines = log.read_text().strip().splitlines() or ["no output"]
    print("\n".join(line for line in lines if line.startswith(("FAILED", "ERROR"))), flush=True)
    return re.sub(r"=+ ?| in .*", "", lines[-1]).strip()


if __name__ == "__main__":
    sys.exit(main())
