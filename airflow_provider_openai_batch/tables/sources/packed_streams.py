"""bz2 and xz files: Python's readers take what is damaged after the first stream for the end of the file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 1 << 20


class Decompressor(Protocol):
    """Unpacks one stream: `bz2.BZ2Decompressor` and `lzma.LZMADecompressor`."""

    @property
    def eof(self) -> bool:
        """Tell whether the stream has ended."""
        ...

    @property
    def needs_input(self) -> bool:
        """Tell whether nothing more comes without more data."""
        ...

    @property
    def unused_data(self) -> bytes:
        """Return what follows the stream."""
        ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Unpack so many bytes at most, and keep the rest of the data."""
        ...


class PackedStreams(io.RawIOBase):
    """The content of all streams of a file, one after another.

    Zeros may follow a stream, as padding. Anything else that is not a whole stream raises what the library
    raises of it, or EOFError.
    """

    def __init__(self, file: Any, decompressor: Callable[[], Decompressor]) -> None:
        super().__init__()
        self._file, self._new = file, decompressor
        self._stream, self._ended = decompressor(), False

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a part of a buffer, or nothing where the file ends."""
        data = b""
        while not data and not self._ended:
            data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _next(self, most: int) -> bytes:
        if self._stream.eof:
            return self._next_stream(most)
        raw = self._file.read(CHUNK) if self._stream.needs_input else b""
        if self._stream.needs_input and not raw:
            raise EOFError
        return self._stream.decompress(raw, most)

    def _next_stream(self, most: int) -> bytes:
        raw = self._stream.unused_data.lstrip(b"\0")
        while not raw and not self._ended:
            raw = self._file.read(CHUNK)
            self._ended = not raw
            raw = raw.lstrip(b"\0")
        if self._ended:
            return b""
        self._stream = self._new()
        return self._stream.decompress(raw, most)
