"""Files move in threads of their own while others are worked on: here alone a thread calls the API.

A thread moves bytes, between a file of this disk and the API. What is decided and written down stays with
the thread that has begun it, which hears of an error only when it asks for the result.
"""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: How many files move at the same time, or have come and wait for their turn.
MOST_AHEAD = 3
#: Bytes of requests from which on a shard is worth a thread, which takes about half a millisecond of CPU.
LEAST = 1 << 18


class Transfer(Generic[T]):
    """A call that moves a file; `error` is what it has raised, None while it runs."""

    def __init__(self, move: Callable[[], T]) -> None:
        self._move = move
        self._ended = threading.Event()
        self._value: T | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Move the file."""
        try:
            self._value = self._move()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self.error = error
        finally:
            self._ended.set()

    @property
    def has_ended(self) -> bool:
        """Tell whether the result is there, without waiting for it."""
        return self._ended.is_set()

    def result(self) -> T:
        """Wait for the end, and return what came of it, or raise it."""
        self._ended.wait()
        if self.error is not None:
            raise self.error
        return cast("T", self._value)


class Transfers:
    """Begins each transfer in a thread of its own; whoever begins them keeps to `MOST_AHEAD`.

    `least` are the bytes of requests below which the files of a shard move in their turn, without a thread.
    """

    def __init__(self, least: int = LEAST) -> None:
        self.least = least

    def begin(self, move: Callable[[], T]) -> Transfer[T]:
        """Begin a transfer.

        A process that ends does not wait for it: an answer may take as long as the client's time-out.
        """
        transfer = Transfer(move)
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(transfer.run,), name="openai-batch-file", daemon=True).start()
        return transfer
