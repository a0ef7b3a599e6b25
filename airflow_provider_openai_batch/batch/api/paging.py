"""The list of batches, page by page, back to a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch.api.objects import Batch, batch_of, decoded
from airflow_provider_openai_batch.batch.api.wire_values import read_flag, read_id, read_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PAGE = 100
MOST_PAGES = 1_000
LEAST_PAGE = 10  # the smallest page that a known server makes
SLACK = 60.0


class ListFailed(Exception):
    """The list of batches could not be read to its end; nothing may be concluded from it."""


class EndlessList(ListFailed):
    """The list of batches has no end, or gaps; this is how the server works, and a retry does not help."""


class Paging:
    """Where a reading of the list is: what to ask next, and whether there is more.

    It goes back to a time and never to a count: the list may hold any number of batches of others. A list
    that is not in order is read to its end. With `most` pages it ends earlier, and what was not seen by then
    may still be in the list.
    """

    def __init__(self, oldest: float, most: int | None = None) -> None:
        self._oldest, self._most = oldest, most
        self._seen: set[str] = set()
        self._cursors: set[str] = set()
        self._order = Order()
        self._after: str | None = None
        self._gap: str | None = None
        self.more = True

    @property
    def query(self) -> dict[str, Any]:
        """Return the arguments of the next call."""
        return {"limit": PAGE} | ({"after": self._after} if self._after else {})

    def take(self, raw: bytes, wanted: Callable[[str], bool] | None = None) -> tuple[Batch, ...]:
        """Read what is new on a page; raises ListFailed when it is unreadable or the list goes in circles.

        :param wanted: tells by its id whether a batch is read: to read one costs more than to pass over ten.
        """
        page = _read_page(raw)
        data = page.entries
        self._note_gap(page)
        self._order.take([entry.created_at for entry in data if entry.created_at is not None])
        fresh = [entry for entry in data if entry.id not in self._seen]
        self._seen.update(entry.id for entry in data)
        self.more = bool(data) and page.has_more is not False and not self._is_past(data[-1])
        if self.more and not fresh:
            self._end_of_circle(page)
        if self.more:
            self._go_on(page.last_id or data[-1].id)
            self.more = self._most is None or len(self._cursors) < self._most
        return tuple(batch_of(entry.parsed) for entry in fresh if wanted is None or wanted(entry.id))

    def require_whole(self) -> None:
        """Raise EndlessList where the pages that were read do not show every batch."""
        if self._gap is not None:
            raise EndlessList(self._gap)

    def _note_gap(self, page: _Page) -> None:
        """Note what is not seen; what is seen counts all the same."""
        if page.nameless:
            self._gap = "The list of batches has entries without an id."
        elif page.has_more and not page.entries and not self._seen:
            self._gap = "The list of batches is empty and says that there are more."

    def _is_past(self, last: _Entry) -> bool:
        late_enough = last.created_at is None or last.created_at >= self._oldest
        return not late_enough and self._order.is_newest_first

    def _end_of_circle(self, page: _Page) -> None:
        """Take a page that comes again for the whole list, if it cannot be a part of one."""
        if page.has_more or _may_be_cut(len(page.entries)):
            raise EndlessList("The list of batches repeats its pages.")
        self.more = False

    def _go_on(self, after: str) -> None:
        if after in self._cursors:
            raise EndlessList(f"The list of batches repeats its cursor {after!r}.")
        self._cursors.add(after)
        if len(self._cursors) >= MOST_PAGES:
            raise EndlessList(f"The list of batches has more than {MOST_PAGES} pages.")
        self._after = after


class Order:
    """Whether a list was newest first as far as it was read; times may be off by a little."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._last: float | None = None
        self._rises = False

    def take(self, times: Iterable[float]) -> None:
        """Read the times of one more page, in its order."""
        for time in times:
            self._first = time if self._first is None else self._first
            self._rises |= self._last is not None and time > self._last + SLACK
            self._last = time

    @property
    def is_newest_first(self) -> bool:
        """Return whether the times fell, and never rose."""
        falls = self._first is not None and self._last is not None and self._first > self._last
        return falls and not self._rises


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    id: str
    created_at: float | None
    parsed: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    entries: tuple[_Entry, ...]
    has_more: bool | None = None
    last_id: str | None = None
    nameless: int = 0  #: entries that no call could ask about


def _read_page(raw: bytes) -> _Page:
    """Read a page; some servers send the list without anything around it."""
    try:
        parsed = decoded(raw)
    except msgspec.MsgspecError as error:
        raise ListFailed(f"The list of batches is not readable: {error}.") from error
    around = {"data": parsed} if isinstance(parsed, list) else parsed
    data = _entries(around)
    entries = tuple(filter(None, map(_entry, data)))
    if data and not entries:
        raise ListFailed("The list of batches is not readable: no entry has an id.")
    more, last_id = read_flag(around.get("has_more")), read_id(around.get("last_id"))
    return _Page(entries=entries, has_more=more, last_id=last_id, nameless=len(data) - len(entries))


def _entries(parsed: Any) -> list[Any]:
    """Take the entries of a page; one that says null and no error is empty."""
    if not isinstance(parsed, dict) or "data" not in parsed:
        raise ListFailed("The list of batches has no data.")
    data = parsed["data"]
    if not isinstance(data, list | None) or (data is None and parsed.get("error")):
        raise ListFailed("The list of batches is not readable: its data are not a list.")
    return data or []


def _entry(parsed: Any) -> _Entry | None:
    found = read_id(parsed.get("id")) if isinstance(parsed, dict) else None
    if found is None:
        return None
    return _Entry(id=found, created_at=read_seconds(parsed.get("created_at")), parsed=parsed)


def _may_be_cut(length: int) -> bool:
    """Return whether so many batches may be one page of a longer list.

    Two servers send the same batches again when the next page is asked for: one that has no pages and sends
    its whole list, and one that ignores `after` and sends its first page. If neither says `has_more`, only
    the length tells them apart: servers choose round numbers and powers of two for their pages. So a list of
    37 batches is whole, and of 20 batches, nothing is known; to take a page for a whole list would be to pay
    twice for the batches that it does not show.
    """
    is_round, is_power_of_two = length % 5 == 0, length.bit_count() == 1
    return length >= LEAST_PAGE and (is_round or is_power_of_two)
