"""The body of a request leaves in large blocks, for a form of small fields would cost a packet for each.

It leaves at the pace that a download has, or is cut: a server that reads a little now and then is never late.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.api.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LEAST = 1 << 16


class Blocks:
    """The pieces of a body, joined to at least so many bytes; it can be read again, as a redirect does.

    `elapsed` is the clock that the body is timed by, from its first block on; raises TooSlow.
    """

    def __init__(self, pieces: Iterable[bytes], elapsed: Callable[[], float], least: int = LEAST) -> None:
        self._pieces, self._elapsed, self._least = pieces, elapsed, least

    def __iter__(self) -> Iterator[bytes]:
        pace = Pace(sys.maxsize, self._elapsed)
        for block in self._joined():
            # Before it leaves: what has left as a whole is not cut any more.
            pace.take(len(block))
            yield block

    def _joined(self) -> Iterator[bytes]:
        waiting: list[bytes] = []
        size = 0
        for piece in self._pieces:
            waiting.append(piece)
            size += len(piece)
            if size >= self._least:
                yield b"".join(waiting)
                waiting, size = [], 0
        if size:
            yield b"".join(waiting)


def stream_type(client: Any) -> Any:
    """Return the class of a body in pieces, of the HTTP library that this client is of."""
    return type(client.build_request("POST", "http://localhost", content=[b""]).stream)


def is_form(request: Any) -> bool:
    """Tell whether the body of a request is a form with files."""
    kind: str = request.headers.get("content-type", "")
    return kind.startswith("multipart/")
