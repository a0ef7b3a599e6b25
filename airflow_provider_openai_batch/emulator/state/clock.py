"""The emulator's time: the wall clock plus an offset that tests move."""

from __future__ import annotations

import math
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.state.state import State


class Clock:
    """A clock that only moves forward and keeps its offset over restarts."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._offset = float(state.setting("clock_offset") or 0)

    def now(self) -> float:
        """Seconds since the epoch, as the emulator sees them."""
        return time.time() + self._offset

    def date(self, skew: float = 0.0) -> str:
        """The value of a `Date` header; `skew` seconds ahead where it lies."""
        return formatdate(self.now() + skew, usegmt=True)

    def advance(self, seconds: float) -> None:
        """Jump ahead; what becomes due in between is computed by whoever looks next."""
        if not 0 <= seconds < math.inf:
            raise ValueError(f"The clock cannot go back ({seconds!r} seconds); give 0 or more.")
        self._offset += seconds
        self._state.set_setting("clock_offset", str(self._offset))
