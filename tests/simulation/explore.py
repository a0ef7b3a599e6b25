"""Every schedule with up to so many unusual events, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.schedule import replay

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.simulation.scenario import Scenario
    from tests.simulation.world import World


def every(
    scenario: Scenario, deviations: int, given: Mapping[str, int] | None = None, each: int = 1
) -> Iterator[World]:
    """Play them all; a point comes again in the same place as long as nothing before it differs.

    What is `given` happens in each of them. Of those that have all their events, every `each`-th is played.
    """
    start_with = dict(given or {})
    waiting: list[tuple[dict[str, int], int]] = [(start_with, 0)]
    full = 0
    while waiting:
        taken, start = waiting.pop()
        world = replay(scenario, taken)
        yield world
        if len(taken) == deviations + len(start_with):
            continue
        for place, point in enumerate(world.choices.points[start:], start):
            ways = () if point.name in start_with else range(1, point.ways + 1)
            next_ones = [(taken | {point.name: way}, place + 1) for way in ways]
            if len(taken) + 1 == deviations + len(start_with):
                full, first = full + len(next_ones), -full % each
                next_ones = next_ones[first::each]
            waiting += next_ones
