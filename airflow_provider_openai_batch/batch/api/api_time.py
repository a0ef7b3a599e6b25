"""The API's own time."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: Two times that differ by no more than this are of clocks that agree.
AGREES = 300.0
#: So many answers in a row that say the same are believed, whatever was known before.
SEVERAL = 3


class ApiTime:
    """The server's clock: the `Date` header of a plausible answer plus the time since then.

    One answer may lie: a gateway, a cache, or a machine whose clock is wrong. A `Date` counts when it
    agrees with what is known (at first the worker's clock), or with a `created_at` of the same answer; one
    that disagrees counts once several answers in a row say the same. Of the worker it takes two clocks:
    `elapsed`, which nobody sets, and `worker`, in seconds since 1970.
    """

    def __init__(self, elapsed: Callable[[], float], worker: Callable[[], float]) -> None:
        self._elapsed, self._worker = elapsed, worker
        self._offset: float | None = None
        self._odd: tuple[float, ...] = ()

    def see(self, headers: Any, created_at: float | None = None) -> None:
        """Take the time from an answer; `created_at` is that of something it has just made."""
        date = date_of(headers)
        if date is None:
            return
        offset = date - self._elapsed()
        agrees = bool(self._odd) and abs(offset - self._odd[-1]) <= AGREES
        odd = (*self._odd, offset) if agrees else (offset,)
        if self._is_plausible(date, created_at) or len(odd) >= SEVERAL:
            self._offset, self._odd = offset, ()
        else:
            self._odd = odd

    @property
    def is_known(self) -> bool:
        """Return whether any answer had a date."""
        return self._offset is not None or bool(self._odd)

    @property
    def is_in_doubt(self) -> bool:
        """Return whether the last date disagrees with what is known: the next answers decide."""
        return bool(self._odd)

    def now(self) -> float:
        """Return seconds since 1970 by the server's clock, by this machine's before any answer."""
        if self._offset is not None:
            return self._elapsed() + self._offset
        odd = self._odd  # another thread may be taking an answer
        return self._elapsed() + odd[-1] if odd else self._worker()

    def _is_plausible(self, date: float, created_at: float | None) -> bool:
        known = self._worker() if self._offset is None else self._elapsed() + self._offset
        return any(abs(date - other) <= AGREES for other in (known, created_at) if other is not None)


def date_of(headers: Any) -> float | None:
    """Read the `Date` of an answer; None where it is absent, or not a date."""
    return http_date(headers.get("date"))


def http_date(text: Any) -> float | None:
    """Read a date of HTTP as seconds since 1970; None where it is absent, or not a date."""
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
