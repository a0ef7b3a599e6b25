"""Downloads a file to its end, with a bound on size and time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import openai

from airflow_provider_openai_batch.batch.api.pace import Pace, TooMuch, TooSlow
from airflow_provider_openai_batch.client.same_origin import Redirected, redirect_of

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
    """A file came shorter than the API says it is."""


class CutDownload(ShortDownload):
    """The connection broke each time, or was cut; the file may be whole."""


class Download:
    """One file: `size` is the least it has by its metadata, 0 where that is not known.

    `most` is what its requests can take at most. A file that is longer than its metadata says is read once
    more up to there, for some servers say something else; what has no end by then has none.
    """

    def __init__(
        self, api: openai.OpenAI, file_id: str, size: int, most: int | None, elapsed: Callable[[], float]
    ) -> None:
        self._api, self._file_id, self._size, self._elapsed = api, file_id, size, elapsed
        self._most = max(MOST if most is None else min(most, MOST), size)
        self._bound = min(size * GROWTH + SLACK, self._most) if size else self._most

    def run(self, into: BinaryIO) -> None:
        """Stream the file to disk; a broken connection is tried again from the start."""
        for attempt in range(1, TRIES + 1):
            if self._is_through(into, is_last=attempt == TRIES) and into.tell() >= self._size:
                return
        message = f"File {self._file_id!r} has {self._size:,} bytes but {into.tell():,} arrived; retry."
        raise ShortDownload(message)

    def _is_through(self, into: BinaryIO, *, is_last: bool) -> bool:
        """Try once; False where it is to be tried again. Raises where that is for later, or of no use."""
        try:
            self._try(into)
        except (openai.APIStatusError, Redirected):
            raise
        except TooMuch as error:
            if self._bound == self._most:
                raise self._cut(into, error) from error
            self._bound = self._most
        except TooSlow as error:
            raise self._cut(into, error) from error
        except Exception as error:
            # The transport's own errors pass the SDK unwrapped once the answer has begun.
            if is_last or redirect_of(error) is not None:
                raise self._broken(error) from error
        else:
            return True
        return False

    def _broken(self, error: Exception) -> Exception:
        """Return what to raise: if the API redirects elsewhere, a retry does not help."""
        message = f"File {self._file_id!r} could not be read to its end ({type(error).__name__})."
        return redirect_of(error) or CutDownload(message)

    def _cut(self, into: BinaryIO, error: Exception) -> CutDownload:
        empty(into)
        return CutDownload(f"File {self._file_id!r} was cut: {error}; it is asked for again later.")

    def _try(self, into: BinaryIO) -> None:
        empty(into)
        pace = Pace(self._bound, self._elapsed)
        with content_of(self._api, self._file_id) as answer:
            for piece in answer.iter_bytes():  # of a size of our own, a trickle would come once in days
                pace.take(len(piece))
                into.write(piece)


@contextmanager
def content_of(api: openai.OpenAI, file_id: str) -> Iterator[Any]:
    """Open the content of a file; a server that says nothing is not waited for as long as for an answer."""
    patient = api.with_options(timeout=silence_of(api.timeout))
    with patient.files.with_streaming_response.content(file_id) as answer:
        yield answer


def silence_of(timeout: Any) -> Any:
    """Return a client's time-out with a shorter wait for the next byte."""
    seconds = timeout if isinstance(timeout, int | float) else getattr(timeout, "read", None)
    return min(SILENCE, float(seconds)) if seconds else SILENCE


def empty(into: BinaryIO) -> None:
    """Forget what came before."""
    into.seek(0)
    into.truncate()
