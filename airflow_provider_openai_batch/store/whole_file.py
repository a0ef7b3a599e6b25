"""Reads a file of an object store to its end: where a store sends too little, the rest is asked for.

The files of fsspec's clients take a short answer for the end of a file, or wait for the rest without a limit;
so ranges are read here, and no client's cache is between.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from typing_extensions import Buffer

#: Bytes of a range, if the reader asks for less; a file that is no larger is read whole.
RANGE = 4 << 20


class _Ranges(io.RawIOBase):
    """A file as ranges of it; it ends where its size says, not where the store stops sending."""

    def __init__(self, fs: AbstractFileSystem, path: str, *, uri: str, size: int) -> None:
        self._fs, self._path = fs, path
        self._uri, self._size = uri, size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        end = min(self._size, self._place + len(view))
        if end <= self._place:
            return 0
        read = self._fs.cat_file(self._path, start=self._place, end=end)
        if not read:
            raise OSError(
                f"{self._uri} has {self._size:,} bytes, but the store sent {self._place:,}; it is read again."
            )
        view[: len(read)] = read
        self._place += len(read)
        return len(read)

    def readall(self) -> bytes:
        found = bytearray(max(0, self._size - self._place))
        filled = 0
        while filled < len(found):
            filled += self.readinto(memoryview(found)[filled:])
        return bytes(found)


def open_whole(fs: AbstractFileSystem, path: str, uri: str) -> BinaryIO:
    """Open a file of an object store as one that ends nowhere but at its end.

    Raises OSError, so that the task is tried again, where the store sends nothing more before.
    """
    size = fs.info(path)["size"]
    if size is None:  # a store that shows no sizes
        opened: BinaryIO = fs.open(path, "rb")
        return opened
    ranges = _Ranges(fs, path, uri=uri, size=size)
    return io.BytesIO(ranges.readall()) if size <= RANGE else io.BufferedReader(ranges, RANGE)
