"""As many schedules as there is time for: the short ones all, then those of seeds."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from tests.laws.figures import Figures
from tests.simulation.explore import every
from tests.simulation.scenario import KEYS, SCENARIOS, TWO_ATTEMPTS
from tests.simulation.schedule import play_seed
from tests.simulation.shrink import shrink
from tests.simulation.story import tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.simulation.scenario import Scenario
    from tests.simulation.world import World

CHUNK = 25  #: seeds that a worker plays before it reports
#: Every schedule with one event, and where it is cheap with two.
IN_ORDER = tuple((s, 2 if s in (*TWO_ATTEMPTS, KEYS) else 1) for s in SCENARIOS)


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker played: figures by name, and the stories of what broke a law."""

    counts: Counter[str]
    stories: tuple[str, ...]


def simulate(*, seconds: float, seeds: Iterable[int] | None = None) -> Figures:
    """Play the short schedules in order, then those of seeds until the time is over, on all processors.

    The story of each that breaks a law is printed, and the campaign goes on.
    """
    deadline = time.monotonic() + seconds
    ordered = ((go_through, scenario, depth, deadline) for scenario, depth in IN_ORDER)
    drawn = ((play_seeds, chunk, deadline) for chunk in _chunks(seeds))
    found: Counter[str] = Counter()
    for report in _spread(itertools.chain(ordered, drawn), deadline):
        found += report.counts
        for story in report.stories:
            sys.stdout.write(f"{story}\n\n")
            sys.stdout.flush()
    return Figures(**found)


def go_through(scenario: Scenario, depth: int, deadline: float) -> Report:
    """Play every schedule of a scenario with up to so many events."""
    worlds = (("a schedule gone through in order", world) for world in every(scenario, depth))
    return _report(worlds, deadline)


def play_seeds(seeds: Sequence[int], deadline: float) -> Report:
    """Play the schedules of seeds."""
    return _report(((f"seed {seed}", play_seed(seed)) for seed in seeds), deadline)


def _report(worlds: Iterator[tuple[str, World]], deadline: float) -> Report:
    counts: Counter[str] = Counter()
    stories = []
    for name, world in worlds:
        counts["schedules_simulated"] += 1
        laws = {broken.figure for broken in world.watch.broken}
        counts.update(laws)
        if laws:
            stories.append(f"{name} breaks a law: {', '.join(sorted(laws))}\n{tell(shrink(world))}")
        if time.monotonic() >= deadline:
            break
    return Report(counts, tuple(stories))


def _spread(tasks: Iterator[tuple[Any, ...]], deadline: float) -> Iterator[Report]:
    """Let as many workers as there are processors take the tasks in turn, and none after the deadline."""
    workers = get_context("forkserver")
    workers.set_forkserver_preload([__name__])  # importing takes longer than a hundred schedules
    with ProcessPoolExecutor(mp_context=workers) as pool:
        running = {pool.submit(*task) for task in itertools.islice(tasks, 2 * (os.cpu_count() or 1))}
        while running:
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in ended)
            if time.monotonic() < deadline:
                running |= {pool.submit(*task) for task in itertools.islice(tasks, len(ended))}


def _chunks(seeds: Iterable[int] | None) -> Iterator[tuple[int, ...]]:
    numbers = iter(itertools.count() if seeds is None else seeds)
    while chunk := tuple(itertools.islice(numbers, CHUNK)):
        yield chunk
