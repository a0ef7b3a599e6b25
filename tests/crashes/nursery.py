"""The parent's side of the warmed process: it is told orders and says how their children are."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tests.crashes.orders import Crossing, End, Order, read_journal

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How a child is, which boundaries it has come to, and the error that ended it."""

    end: End
    crossings: list[Crossing]
    error: str


class Nursery:
    """One warmed process; a fork of it lives each order. Others may live while one stands at its boundary."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._orders = 0
        self._standing: list[str] = []

    def run(self, order: Order) -> Heard:
        """Let a child live until it ends or comes to the boundary where it is to be struck."""
        self._orders += 1
        journal = f"{order.folder}/journal-{self._orders}"
        self._standing.append(journal)
        return self._heard(msgspec.json.encode(msgspec.structs.replace(order, journal=journal)))

    def kill(self) -> Heard:
        """Kill the child that stands at its boundary: SIGKILL, nothing of it runs any more."""
        return self._heard(b"kill")

    def go_on(self) -> Heard:
        """Let the child that stands at its boundary go on."""
        return self._heard(b"go on")

    def _heard(self, line: bytes) -> Heard:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()
        end, journal = End(self.word()), self._standing[-1]
        if end is not End.STOPPED:
            self._standing.pop()
        error = Path(f"{journal}.error")
        return Heard(
            end=end, crossings=read_journal(journal), error=error.read_text() if error.exists() else ""
        )

    def word(self) -> str:
        """Read the next word of the process."""
        assert self._process.stdout is not None
        word = self._process.stdout.readline().decode().strip()
        if not word:
            raise RuntimeError("The warmed process has ended; its errors are above.")
        return word


@contextmanager
def opened_nursery(folder: Path) -> Iterator[Nursery]:
    """Start the warmed process; it ends with its standard input."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")},
        "AIRFLOW_HOME": os.environ.get("AIRFLOW_HOME", str(folder / "airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder / "scratch"),
    }
    (folder / "scratch").mkdir()
    command = [sys.executable, "-m", "tests.crashes.warm"]
    errors = folder / "nursery.log"
    with (
        errors.open("wb") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environ, cwd=ROOT
        ) as process,
    ):
        nursery = Nursery(process)
        if nursery.word() != "warm":
            raise RuntimeError(errors.read_text())
        yield nursery
        assert process.stdin is not None
        process.stdin.close()
