"""The headers of an answer are waited for with a bound, however little of them comes at a time.

The time-outs of the HTTP libraries are for one read: a server that sends one more `103 Early Hints`, or a
byte of a header, each time before it is over could hold a caller for ever.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.api.pace import TooSlow

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds that any answer may take until its headers are there, and that one may take beyond its time-outs.
SHORTEST, SPARE = 300.0, 60.0
CONNECTED = ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete")
WAITS = "receive_response_headers.started"
WAITED = ("receive_response_headers.complete", "receive_response_headers.failed")


def longest_wait(request: Any, *of: str) -> float:
    """Return the seconds that these time-outs of a request allow together; a time-out of None has no end."""
    timeouts = request.extensions.get("timeout", {})
    allowed = [timeouts.get(one) for one in of]
    return math.inf if None in allowed else max(SHORTEST, sum(allowed) + SPARE)


class HeaderWait:
    """Bounds the reads of a client's connections while a thread waits for headers.

    Both HTTP libraries that releases of the SDK are built on tell a request's `trace` extension of each
    connection that they open, and of when the wait for headers begins and ends.
    """

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._thread = threading.local()

    def follow(self, request: Any) -> None:
        """Bound the wait for the headers of this request, and of each that a redirect makes of it."""
        longest = longest_wait(request, "read")

        def trace(event: str, info: Any) -> None:
            if event.endswith(CONNECTED):
                self._bound_reads(info["return_value"])
            elif event.endswith(WAITS):
                self._thread.longest, self._thread.until = longest, self._elapsed() + longest
            elif event.endswith(WAITED):
                self._thread.until = math.inf

        request.extensions = {**request.extensions, "trace": trace}

    def _bound_reads(self, stream: Any) -> None:
        """Let no read of a connection, which serves many requests, wait longer than there is time."""
        read = stream.read

        def read_bounded(max_bytes: int, timeout: float | None = None) -> Any:
            until = getattr(self._thread, "until", math.inf)
            if until == math.inf:
                return read(max_bytes, timeout)
            left = until - self._elapsed()
            if left <= 0:
                raise TooSlow(f"its headers did not come in {self._thread.longest:,.0f} seconds")
            return read(max_bytes, left if timeout is None else min(timeout, left))

        stream.read = read_bounded
