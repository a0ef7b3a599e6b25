"""Downloads a file to its end, with a bound on size and time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import openai

from airflow_provider_openai_batch.batch.api.pace import Pace, TooMuch, TooSlow
from airflow_provider_openai_batch.client.same_origin import Redirected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRIES = 5
#: Seconds without a byte after which a transfer is cut.
SILENCE = 120.0
#: What a file may have beyond what its metadata says: it was being written when it was asked.
GROWTH, SLACK = 2, 1 << 20
#: What no file has, whatever was asked.
MOST = 1 << 34


class ShortDownload(Exception):
    """A file came shorter than the API says it is, or it was not the one that was asked for."""


class CutDownload(ShortDownload):
    """The connection broke each time, or was cut; the file may be whole."""


class Download:
    """One file; `size` asks its metadata for the least it has, and says 0 where they do not tell.

    They are asked only where nothing else shows that it is whole: with `lines`, so many whole lines are all
    that it can hold. `most` is what its requests can take at most. A file that is longer than its metadata
    says is read once more up to there, for some servers say something else; what has no end by then has none.
    """

    def __init__(
        self,
        api: openai.OpenAI,
        file_id: str,
        *,
        size: Callable[[], int],
        elapsed: Callable[[], float],
        most: int | None = None,
        lines: int | None = None,
    ) -> None:
        self._api, self._file_id, self._elapsed = api, file_id, elapsed
        self._ask_size, self._lines = size, lines
        self._size: int | None = None
        self._most = self._bound = MOST if most is None else min(most, MOST)
        self._came = 0  #: whole lines of the last try

    def run(self, into: BinaryIO) -> None:
        """Stream the file to disk; a broken connection is tried again from the start."""
        if self._lines is None:
            self._least()
        for attempt in range(1, TRIES + 1):
            if self._is_through(into, is_last=attempt == TRIES) and self._is_whole(into):
                return
        message = f"File {self._file_id!r} has {self._size or 0:,} bytes but {into.tell():,} arrived; retry."
        raise ShortDownload(message)

    def _is_whole(self, into: BinaryIO) -> bool:
        """Tell whether all has come."""
        if self._lines is not None and self._came >= self._lines:
            return True
        return into.tell() >= self._least()

    def _least(self) -> int:
        """Return the least that the file has, which also bounds the next try; it is asked for one time."""
        if self._size is None:
            self._size = size = self._ask_size()
            self._most = max(self._most, size)
            self._bound = min(size * GROWTH + SLACK, self._most) if size else self._most
        return self._size

    def _is_through(self, into: BinaryIO, *, is_last: bool) -> bool:
        """Try once; False where it is to be tried again. Raises where that is for later, or of no use."""
        try:
            self._try(into)
        except (openai.APIStatusError, Redirected):
            raise
        except TooMuch as error:
            if self._size is not None and self._bound == self._most:
                raise self._cut(into, error) from error
            self._least()
            self._bound = self._most
        except TooSlow as error:
            raise self._cut(into, error) from error
        except Exception as error:
            # The transport's own errors pass the SDK unwrapped once the answer has begun.
            if is_last:
                raise self._broken(error) from error
        else:
            return True
        return False

    def _broken(self, error: Exception) -> CutDownload:
        return CutDownload(f"File {self._file_id!r} could not be read to its end ({type(error).__name__}).")

    def _cut(self, into: BinaryIO, error: Exception) -> CutDownload:
        empty(into)
        return CutDownload(f"File {self._file_id!r} was cut: {error}; it is asked for again later.")

    def _try(self, into: BinaryIO) -> None:
        empty(into)
        self._came = 0
        pace = Pace(self._bound, self._elapsed)
        with content_of(self._api, self._file_id) as answer:
            for piece in answer.iter_bytes():  # of a size of our own, a trickle would come once in days
                pace.take(len(piece))
                into.write(piece)
                self._came += piece.count(b"\n")


@contextmanager
def content_of(api: openai.OpenAI, file_id: str) -> Iterator[Any]:
    """Open the content of a file; a server that says nothing is not waited for as long as for an answer."""
    patience = silence_of(api.timeout)
    with api.files.with_streaming_response.content(file_id, timeout=patience) as answer:
        yield answer


def has_content(api: openai.OpenAI, file_id: str, unsure: openai.APIStatusError | None) -> bool:
    """Return whether the file's content is there; an absence after an `unsure` answer says nothing."""
    try:
        with content_of(api, file_id):
            return True
    except openai.NotFoundError:
        if unsure is not None:
            raise unsure from None
        return False


def silence_of(timeout: Any) -> Any:
    """Return a client's time-out with a shorter wait for the next byte."""
    seconds = timeout if isinstance(timeout, int | float) else getattr(timeout, "read", None)
    return min(SILENCE, float(seconds)) if seconds else SILENCE


def empty(into: BinaryIO) -> None:
    """Forget what came before."""
    into.seek(0)
    into.truncate()
