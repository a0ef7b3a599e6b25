"""The last look at each run that a page shows: one look at a time for each run, whoever asks."""

from __future__ import annotations

import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

THREADS = 4
#: A look that takes long is not repeated for so many times as long: looking is a tenth of the time at most.
RARER = 10
MOST = 500


@dataclass(slots=True)
class _Seen:
    running: Future[dict[str, Any]] | None = None
    value: dict[str, Any] | None = None
    #: When the last look began, and the seconds that it took.
    at: float = 0.0
    took: float = 0.0


class LiveRuns:
    """Looks at runs in a few threads, and keeps what was seen last.

    :param look: looks at the run of a URI; it does not raise.
    :param clock: gives seconds that only grow.
    """

    def __init__(
        self, look: Callable[[str], dict[str, Any]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look, self._clock = look, clock
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="openai-batch-page")

    def see(self, uris: Collection[str], *, fresh: float, patience: float) -> dict[str, dict[str, Any]]:
        """Return what is known of runs; those that were never seen in time are left out.

        :param fresh: seconds for which a look is not repeated.
        :param patience: the most seconds to wait for looks.
        """
        with self._lock:
            running = [one for uri in uris if (one := self._refreshed(uri, fresh)) is not None]
        wait(running, timeout=patience)
        with self._lock:
            known = {uri: seen.value for uri in uris if (seen := self._seen.get(uri)) is not None}
        return {uri: value for uri, value in known.items() if value is not None}

    def forget(self, uri: str) -> None:
        """Look at a run again when it is asked for next: it was changed."""
        with self._lock:
            if (seen := self._seen.get(uri)) is not None:
                seen.at = float("-inf")

    def _refreshed(self, uri: str, fresh: float) -> Future[dict[str, Any]] | None:
        """Begin a look unless there is one that runs, or one that is fresh."""
        seen = self._seen.setdefault(uri, _Seen())
        self._seen.move_to_end(uri)
        if seen.running is None and (
            seen.value is None or self._clock() >= seen.at + max(fresh, RARER * seen.took)
        ):
            seen.running = self._threads.submit(self._take, uri, seen)
        while len(self._seen) > MOST:
            self._seen.popitem(last=False)
        return seen.running

    def _take(self, uri: str, seen: _Seen) -> dict[str, Any]:
        value: dict[str, Any] = {}
        try:
            began = self._clock()
            value = self._look(uri)
        finally:
            with self._lock:
                seen.value, seen.at, seen.running = value or seen.value, began, None
                seen.took = self._clock() - began
        return value
