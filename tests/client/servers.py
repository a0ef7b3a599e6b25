"""HTTP servers of a test, which answer as its handler says."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import ThreadingHTTPServer

S = TypeVar("S", bound="ThreadingHTTPServer")


@contextmanager
def running(made: S) -> Iterator[S]:
    """Let a server answer in a thread, until the block ends."""
    with made as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
