"""The API's own time."""

from __future__ import annotations

import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any


class ApiTime:
    """The server's clock: the `Date` header of the last answer plus the time since then."""

    def __init__(self) -> None:
        self._offset: float | None = None

    def see(self, headers: Any) -> None:
        """Take the time from an answer."""
        try:
            date = parsedate_to_datetime(headers.get("date"))
            seen = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        except (TypeError, ValueError, OverflowError):
            return  # absent, or no date
        self._offset = seen - time.monotonic()

    @property
    def is_known(self) -> bool:
        """Tell whether any answer had a date."""
        return self._offset is not None

    def now(self) -> float:
        """Return seconds since 1970 by the server's clock, by this machine's before any answer."""
        return time.time() if self._offset is None else time.monotonic() + self._offset
