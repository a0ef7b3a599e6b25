"""Text files as a stream of UTF-8, whatever they are packed and encoded in."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import zlib
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from fsspec.compression import compr

from airflow_provider_openai_batch.tables.sources.packed_streams import PackedStreams

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

CHUNK = 1 << 20
#: The longer marks first: that of UTF-32 begins as that of UTF-16 does.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
LONGEST_MARK = 4
#: What the libraries raise of a file that is damaged or cut.
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
PACKED_WRONGLY = re.compile("invalid data stream|end-of-stream marker|compressed|zstd|ZSTD", re.IGNORECASE)


class Unreadable(Exception):
    """A file does not hold what its name says; the text names the file and never quotes it."""


@contextmanager
def unpacked(fs: Any, path: str) -> Iterator[Any]:
    """Open a file that may be compressed; Arrow knows zstd, which Python's library does not."""
    try:
        with fs.open(path, "rb") as raw, _content(raw, path.lower()) as file:
            yield file
    except DAMAGED as error:
        raise _damaged(path, error) from None
    except OSError as error:
        if PACKED_WRONGLY.search(str(error)):
            raise _damaged(path, error) from None
        raise


def _content(raw: Any, name: str) -> AbstractContextManager[Any]:
    """Unpack by the ending; of gzip, Python's reader refuses what follows a stream, and Arrow's of zstd."""
    match name.rpartition(".")[2]:
        case "gz":
            file: AbstractContextManager[Any] = compr["gzip"](raw, mode="rb")  # that of isal, if installed
            return file
        case "bz2":
            return io.BufferedReader(PackedStreams(raw, bz2.BZ2Decompressor))
        case "xz":
            return io.BufferedReader(PackedStreams(raw, lzma.LZMADecompressor))
        case "zst":
            return io.BufferedReader(pa.CompressedInputStream(raw, "zstd"))
    return nullcontext(raw)


def _damaged(path: str, error: Exception) -> Unreadable:
    return Unreadable(
        f"{path!r} is cut off, damaged, or not compressed as its name says ({type(error).__name__}); "
        "write the file again."
    )


class Utf8Stream(io.RawIOBase):
    """The bytes of a text file as UTF-8, without a byte order mark; what is not its encoding is refused."""

    def __init__(self, file: Any, path: str, encoding: str | None, kind: str) -> None:
        super().__init__()
        self._file, self.path, self._kind = file, path, kind
        self._encoding = encoding
        self._decoder: codecs.IncrementalDecoder | None = None
        self._read, self._ended, self._first = 0, False, False
        self._held = memoryview(b"")

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, wholly unless the file ends: Arrow takes what it gets for a block."""
        filled = 0
        while filled < len(buffer) and (self._held or not self._ended):
            if not self._held:
                raw = self._raw()
                self._ended = not raw
                self._held = memoryview(self.checked(self._utf8(raw), ended=self._ended))
            count = min(len(buffer) - filled, len(self._held))
            buffer[filled : filled + count] = self._held[:count]
            self._held, filled = self._held[count:], filled + count
        return filled

    def checked(self, data: bytes, *, ended: bool) -> bytes:
        """Look at what comes next; each kind of file has its own rules."""
        del ended
        return data

    def _raw(self) -> bytes:
        raw: bytes = self._file.read(CHUNK)
        while not self._read and len(raw) < LONGEST_MARK and (more := self._file.read(CHUNK)):
            raw += more
        return raw

    def _utf8(self, raw: bytes) -> bytes:
        if self._decoder is None:
            self._decoder, raw = self._begin(raw)
        if self._encoding == "utf-8" and raw.isascii() and raw and not self._decoder.getstate()[0]:
            self._read += len(raw)
            return raw
        try:
            text = self._decoder.decode(raw, final=self._ended)
        except UnicodeDecodeError as error:
            raise self._misfit(error, len(raw)) from None
        except UnicodeError:  # of a decoder that tells no place
            raise Unreadable(
                f"{self.path!r} is not valid {self._kind} in {self._encoding!r}. Name its own encoding in "
                "source['format']['encoding'], such as 'cp1252' or 'utf-16-le'."
            ) from None
        text = text.removeprefix("\ufeff") if self._first else text
        self._first = self._first and not text
        self._read += len(raw)
        return raw if self._encoding == "utf-8" else text.encode("utf-8", "surrogatepass")

    def _begin(self, raw: bytes) -> tuple[codecs.IncrementalDecoder, bytes]:
        """Choose the decoder; a mark of UTF-8 is left out, those of others their decoders leave out."""
        found = next((name for mark, name in MARKS if raw.startswith(mark)), None)
        given = self._encoding and codecs.lookup(self._encoding).name.removesuffix("-sig")
        if found == "utf-8" and given not in {None, "utf-8"}:
            raise Unreadable(
                f"{self.path!r} begins with the mark of UTF-8, and source['format']['encoding'] is "
                f"{self._encoding!r}; leave it out."
            )
        if raw and found is None and given in {"utf-16", "utf-32"}:
            raise Unreadable(
                f"{self.path!r} does not begin with a byte order mark, which tells the order of bytes in "
                f"{given!r}; set source['format']['encoding'] to '{given}-le' or '{given}-be'."
            )
        self._encoding = given or found or "utf-8"
        decoder = codecs.getincrementaldecoder(self._encoding)()
        self._first = self._encoding != "utf-8"
        if found == "utf-8":
            self._read += len(codecs.BOM_UTF8)
            raw = raw[len(codecs.BOM_UTF8) :]
        return decoder, raw

    def _misfit(self, error: UnicodeDecodeError, taken: int) -> Unreadable:
        place = self._read + taken - len(error.object) + error.start
        name = "UTF-8" if self._encoding == "utf-8" else repr(self._encoding)
        byte = f"byte 0x{error.object[error.start]:02x} at position {place:,}"
        what = byte if taken else f"it ends within a character, {byte}"
        return Unreadable(
            f"{self.path!r} is not valid {self._kind} in {name}: {what}. "
            "Name its own encoding in source['format']['encoding'], such as 'cp1252' or 'utf-16'."
        )
