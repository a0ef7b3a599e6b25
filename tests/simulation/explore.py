"""Every schedule with up to so many unusual events, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.schedule import replay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.scenario import Scenario
    from tests.simulation.world import World


def every(scenario: Scenario, deviations: int) -> Iterator[World]:
    """Play them all; a point comes again in the same place as long as nothing before it differs."""
    waiting: list[tuple[dict[str, int], int]] = [({}, 0)]
    while waiting:
        taken, start = waiting.pop()
        world = replay(scenario, taken)
        yield world
        if len(taken) == deviations:
            continue
        for place, point in enumerate(world.choices.points[start:], start):
            waiting += [(taken | {point.name: way}, place + 1) for way in range(1, point.ways + 1)]
