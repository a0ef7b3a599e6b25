"""How long to pause between tries: longer each time, to a limit."""

from __future__ import annotations

PAUSE = 60.0
LONGEST_PAUSE = 900.0


def growing(times: int) -> float:
    """Return the seconds to pause after so many tries: they double, to a quarter of an hour."""
    return min(PAUSE * 2.0 ** min(times - 1, 10), LONGEST_PAUSE)
