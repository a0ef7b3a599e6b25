"""A long schedule that breaks a law becomes a short one that breaks it, too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.simulation.schedule import replay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.scenario import Scenario
    from tests.simulation.world import World


def shrink(world: World) -> World:
    """Leave out what is not needed, one event after the other, until nothing can be left out."""
    laws = {broken.figure for broken in world.watch.broken}
    shortest = world
    while (shorter := _shorter(shortest, laws)) is not None:
        shortest = shorter
    return shortest


def _shorter(world: World, laws: set[str]) -> World | None:
    for scenario, taken in _candidates(world):
        tried = replay(scenario, taken)
        if laws & {broken.figure for broken in tried.watch.broken}:
            return tried
    return None


def _candidates(world: World) -> Iterator[tuple[Scenario, dict[str, int]]]:
    taken = world.choices.taken
    names = list(taken)
    for size in (len(names) // 2, len(names) // 4, 1):
        for start in range(0, len(names), size) if size else ():
            left_out = set(names[start : start + size])
            yield world.scenario, {name: way for name, way in taken.items() if name not in left_out}
    for rows in range(1, world.scenario.rows):
        yield replace(world.scenario, rows=rows), taken
