"""How much and how long a transfer may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60.0
#: What a transfer moves at least within a minute.
LEAST_A_MINUTE = 1 << 16
#: Seconds that any transfer may take, and bytes that one moves at least in each second after them.
SHORTEST = 600.0
LEAST_A_SECOND = 1 << 14


class TooMuch(Exception):
    """More bytes came than there can be."""


class TooSlow(Exception):
    """Fewer bytes moved than a transfer that gets anywhere moves."""


class Pace:
    """Follows one transfer; `most` are the bytes that it can have, after decompression."""

    def __init__(self, most: int, elapsed: Callable[[], float]) -> None:
        self._most, self._elapsed = most, elapsed
        self._began = self._minute = elapsed()
        self._moved = self._moved_before = 0

    def take(self, count: int) -> None:
        """Count bytes that have moved; raises TooMuch or TooSlow where the transfer is to be cut."""
        self._moved += count
        if self._moved > self._most:
            raise TooMuch(f"more than {self._most:,} bytes came")
        now = self._elapsed()
        if self._moved < (now - self._began - SHORTEST) * LEAST_A_SECOND:
            raise TooSlow(f"only {self._moved:,} bytes moved in {now - self._began:,.0f} seconds")
        if now - self._minute >= MINUTE:
            if self._moved - self._moved_before < LEAST_A_MINUTE:
                raise TooSlow(f"only {self._moved - self._moved_before:,} bytes moved in a minute")
            self._minute, self._moved_before = now, self._moved
