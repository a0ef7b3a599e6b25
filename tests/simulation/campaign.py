"""As many schedules as there is time for: the short ones all, then those of seeds."""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from tests.faults.figures import Figures
from tests.simulation.explore import every
from tests.simulation.scenario import SCENARIOS
from tests.simulation.schedule import play_seed
from tests.simulation.shrink import shrink
from tests.simulation.story import tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.simulation.world import World

T = TypeVar("T")

#: Which figure a broken law counts for; what has no figure of its own is a run that did not land.
FIGURES = {
    "row lost": "rows_lost",
    "row without a status": "rows_lost",
    "answer lost": "rows_lost",
    "answer of another row": "rows_lost",
    "not landed": "rows_lost",
    "endless": "rows_lost",
    "defect": "rows_lost",
    "row twice": "rows_duplicated_in_the_target",
    "executed too often": "requests_executed_too_often",
    "tried too often": "requests_executed_too_often",
    "sent with the wrong key": "requests_executed_too_often",
    "sent although the folder was lost": "requests_executed_too_often",
    "two live batches share a request": "live_batches_sharing_a_request",
    "file left": "remote_files_left",
    "partial read": "partial_reads_seen",
}
SHARE = 0.25  #: of the time, for the schedules that are gone through one by one


def simulate(*, seconds: float, seeds: Iterable[int] | None = None) -> Figures:
    """Play schedules until the time is over; print the story of each that breaks a law, and go on."""
    begun = time.monotonic()
    found: Counter[str] = Counter()
    for world in _until(begun + seconds * SHARE, (w for s in SCENARIOS for w in every(s, 2))):
        _count(world, "a schedule gone through in order", found)
    for seed, world in _until(
        begun + seconds, ((seed, play_seed(seed)) for seed in seeds or itertools.count())
    ):
        _count(world, f"seed {seed}", found)
    return Figures(**found)


def _until(deadline: float, worlds: Iterator[T]) -> Iterator[T]:
    for world in worlds:
        yield world
        if time.monotonic() >= deadline:
            return


def _count(world: World, name: str, found: Counter[str]) -> None:
    found["schedules_simulated"] += 1
    laws = {broken.law for broken in world.laws.broken}
    found.update(FIGURES[law] for law in laws)
    if laws:
        sys.stdout.write(f"{name} breaks a law: {', '.join(sorted(laws))}\n{tell(shrink(world))}\n\n")
        sys.stdout.flush()
