"""A schedule as a text that a person can follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import World


def tell(world: World) -> str:
    """Write the story of a schedule, one event to a line."""
    start = world.story[0].at if world.story else 0.0
    return "\n".join(f"{_clock(told.at - start)}  {told.who:12} {told.what}" for told in world.story)


def verdict(world: World) -> str:
    """Say which laws the schedule broke, one to a line, or that all held."""
    return "\n".join(f"Broken: {broken}" for broken in world.watch.broken) or "All laws held."


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours:4}:{minutes:02}:{rest:04.1f}"
