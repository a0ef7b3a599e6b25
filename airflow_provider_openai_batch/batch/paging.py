"""The list of batches, page by page, back to a time."""

from __future__ import annotations

from typing import Any

import msgspec

from airflow_provider_openai_batch.batch.api import Batch, read_batch

PAGE = 100
MOST_PAGES = 1_000


class ListFailed(Exception):
    """The list of batches could not be read to its end; nothing may be concluded from it."""


class Paging:
    """Where a reading of the list is: what to ask next, and whether there is more.

    It goes back to a time and never to a count: the list may hold any number of batches of others.
    """

    def __init__(self, oldest: float) -> None:
        self._oldest = oldest
        self._seen: set[str] = set()
        self._after: str | None = None
        self.more = True

    @property
    def query(self) -> dict[str, Any]:
        """Return the arguments of the next call."""
        return {"limit": PAGE} | ({"after": self._after} if self._after else {})

    def take(self, raw: bytes) -> tuple[Batch, ...]:
        """Read a page; raises ListFailed when it cannot be read or the list goes in circles."""
        try:
            page = msgspec.json.decode(raw, type=_Page)
            data = tuple(read_batch(batch) for batch in page.data or ())
        except msgspec.MsgspecError as error:
            raise ListFailed(f"The list of batches is not readable: {error}.") from error
        more = len(data) >= PAGE if page.has_more is None else page.has_more
        self.more = bool(data) and more and (data[-1].created_at or self._oldest) >= self._oldest
        if self.more:
            self._go_on(page.last_id or data[-1].id)
        return data

    def _go_on(self, after: str) -> None:
        if after in self._seen:
            raise ListFailed(f"The list of batches repeats its cursor {after!r}.")
        self._seen.add(after)
        if len(self._seen) >= MOST_PAGES:
            raise ListFailed(f"The list of batches has more than {MOST_PAGES} pages.")
        self._after = after


class _Page(msgspec.Struct, frozen=True):
    data: tuple[msgspec.Raw, ...] | None = ()
    has_more: bool | None = None
    last_id: str | None = None
