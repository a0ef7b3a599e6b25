"""The body of a request leaves in large blocks, for a form of small fields would cost a packet for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LEAST = 1 << 16


class Blocks:
    """The pieces of a body, joined to at least so many bytes; it can be read again, as a redirect does."""

    def __init__(self, pieces: Iterable[bytes], least: int = LEAST) -> None:
        self._pieces, self._least = pieces, least

    def __iter__(self) -> Iterator[bytes]:
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
