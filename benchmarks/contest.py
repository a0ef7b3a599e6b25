"""Several ways to do one thing, measured in turn: what else the machine does hits all of them."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from benchmarks.children import Child, here
from benchmarks.lines import Line, failure, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.children import Usage
    from benchmarks.lines import Bench

NO_PEERS = "the peers are not installed"
#: Longer than a batch takes in the emulator.
LONG_ENOUGH = 120.0


@dataclass(frozen=True, slots=True)
class Rounds:
    """What each step of each contender used, round by round, for so many rows."""

    rows: int
    used: dict[str, list[Usage]] = field(default_factory=dict)
    #: What has failed, and why; it is not measured again.
    failed: dict[str, str] = field(default_factory=dict)
    #: Into how many files of requests the rows were cut, round by round.
    files: list[int] = field(default_factory=list)

    def measure(self, name: str, step: Callable[[], Usage]) -> None:
        """Note what a step uses, or why it fails; a step that has failed is not tried again."""
        if name in self.failed:
            return
        try:
            self.used.setdefault(name, []).append(step())
        except Exception as error:  # noqa: BLE001 - what else is measured goes on
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            self.failed[name] = failure(error)

    def line(
        self, bound: Bound, what: str, ours: tuple[str, ...], theirs: tuple[str, ...], unit: str = "CPU"
    ) -> Line:
        """Compare the steps of ours with those of theirs; without one of them, say why there is no figure."""
        if why := self.why_not(*ours, *theirs):
            return bound.missing(what, why)
        use = self.cpu if unit == "CPU" else self.wall
        return bound.judge(what, self.rows, use(*ours), use(*theirs), unit)

    def least(self, bound: Bound, what: str, parts: tuple[str, ...], theirs: tuple[str, ...]) -> list[Line]:
        """Compare what cannot be left out with theirs; no line where it could not be measured."""
        if self.why_not(*parts, *theirs):
            return []
        return [replace(self.line(bound, what, parts, theirs), is_least=True)]

    def why_not(self, *names: str) -> str:
        """Say why there is no figure of these steps; empty if there is."""
        failures = (self.failed.get(name, "" if name in self.used else NO_PEERS) for name in names)
        return next(filter(None, failures), "")

    def cpu(self, *names: str) -> list[float]:
        """Return the CPU seconds of these steps together, of each round."""
        return [sum(one.cpu for one in steps) for steps in self._each(names)]

    def wall(self, *names: str) -> list[float]:
        """Return the wall seconds of these steps together, of each round."""
        return [sum(one.wall for one in steps) for steps in self._each(names)]

    def _each(self, names: tuple[str, ...]) -> Iterator[tuple[Usage, ...]]:
        return zip(*(self.used[name] for name in names), strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What must be reached and what is the goal: times theirs, or a share of theirs."""

    must: float
    goal: float | None = None
    #: Ours must be so many times better.
    times: bool = False

    def judge(self, what: str, rows: int, ours: list[float], theirs: list[float], unit: str = "CPU") -> Line:
        """Compare what was used in each round; the figure is the median of the rounds' ratios."""
        pairs = zip(ours, theirs, strict=True)
        ratios = [b / a if self.times else a / b for a, b in pairs]
        return Line(
            what=what,
            ours=_each_row(ours, rows, unit),
            theirs=_each_row(theirs, rows, unit),
            share=statistics.median(ratios),
            between=(min(ratios), max(ratios)),
            limit=self.must,
            goal=self.goal,
            at_least=self.times,
        )

    def missing(self, what: str, why: str) -> Line:
        """Return the line of what could not be measured."""
        return missing(what, why, self.must, self.goal, at_least=self.times)


def _each_row(used: list[float], rows: int, unit: str) -> str:
    """Say what a row takes, in the middle and between which bounds."""
    each = [seconds / rows * 1e6 for seconds in used]
    return f"{statistics.median(each):.1f} µs {unit} a row ({min(each):.1f} to {max(each):.1f})"


class Workshop:
    """A folder, an emulator, and the processes of the contenders."""

    def __init__(self, bench: Bench, folder: Path, emulator: OpenAIBatchEmulator) -> None:
        self.bench, self.folder, self.emulator = bench, folder, emulator
        self._children: dict[str, Child] = {}
        self._folders = 0

    def ours(self, step: str, *, hidden: tuple[str, ...] = (), **given: Any) -> Usage:
        """Measure a step of ours, in this process where everything is measured there."""
        return self._measure(f"ours{hidden}", sys.executable, f"benchmarks.ours:{step}", hidden, given)

    def alone(self, step: str, *, hidden: tuple[str, ...] = (), of: str = "ours", **given: Any) -> Usage:
        """Measure a step of ours, or the least of one, in a process of its own: for its memory."""
        known = {"api": self.emulator.connection, **given}
        if self.bench.measure is here:
            return here(f"benchmarks.{of}:{step}", **known)
        child = Child(hidden=hidden)
        try:
            return child.measure(f"benchmarks.{of}:{step}", **known)
        finally:
            child.close()

    def least(self, step: str, **given: Any) -> Usage:
        """Measure what cannot be left out of a step of ours."""
        return self._measure("least", sys.executable, f"benchmarks.least:{step}", (), given)

    def peer(self, name: str, step: str, **given: Any) -> Usage:
        """Measure a step of a peer, in its own Python."""
        return self._measure(name, self.bench.peers, f"benchmarks.peers.{name}:{step}", (), given)

    def fresh(self) -> str:
        """Make an empty folder."""
        self._folders += 1
        made = self.folder / f"{self._folders:04}"
        made.mkdir()
        return str(made)

    def finish_batches(self) -> None:
        """Let all batches end."""
        self.emulator.advance(LONG_ENOUGH)

    def drop(self, folder: str) -> None:
        """Delete what a round has left."""
        shutil.rmtree(folder)

    def close(self) -> None:
        """End the processes."""
        for child in self._children.values():
            child.close()

    def _measure(
        self, name: str, python: str, work: str, hidden: tuple[str, ...], given: dict[str, Any]
    ) -> Usage:
        known = {"api": self.emulator.connection, **given}
        if self.bench.measure is here:
            return here(work, **known)
        if name not in self._children or not self._children[name].runs:
            self._children[name] = Child(python, hidden=hidden)  # its imports are not counted
        return self._children[name].measure(work, **known)


@contextmanager
def workshop(bench: Bench) -> Iterator[Workshop]:
    """Open a workshop, and leave nothing of it."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        emulator = OpenAIBatchEmulator(Path(folder, "emulator"), seconds_to_complete=60)
        emulator.start()
        opened = Workshop(bench, Path(folder), emulator)
        try:
            yield opened
        finally:
            opened.close()
            emulator.stop()


def in_turn(rounds: int, rows: int, steps: dict[str, Callable[[], Usage]]) -> Rounds:
    """Measure each once in each round."""
    found = Rounds(rows)
    for _ in range(rounds):
        for name, step in steps.items():
            found.measure(name, step)
    return found
