"""Play a schedule: from a seed, or from what is written down."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.simulation.choices import Given, Seeded
from tests.simulation.scenario import Scenario, drawn
from tests.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def quiet() -> Iterator[None]:
    """Log nothing: the story tells it all."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def play_seed(seed: int) -> World:
    """Play what the seed draws."""
    scenario = drawn(seed)
    with quiet():
        return World(scenario, Seeded(seed, scenario.most, scenario.intensity)).play()


def replay(scenario: Scenario, taken: Mapping[str, int]) -> World:
    """Play a schedule again, or a part of it."""
    with quiet():
        return World(scenario, Given(taken)).play()
