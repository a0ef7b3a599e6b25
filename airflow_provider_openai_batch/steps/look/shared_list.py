"""One list for the looks of many runs of a connection, instead of a call for each of their batches.

It is read beside the looks, and no look waits for it. What an entry may stand for is said in `listed_looks`.
It counts for a minute and for one look: what a look finds is late by a minute at most. So of the batches that
are known, only those are kept that are looked at within a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.batch.api.objects import Batch
from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.steps.look.api_errors import DENIED, UNSEEN, rest_after
from airflow_provider_openai_batch.steps.look.listed_looks import oldest_of, pages_for_looks
from airflow_provider_openai_batch.steps.look.shared_live_batches import SharedLiveBatches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.async_client import AsyncClient

log = logging.getLogger(__name__)

#: For how many seconds an entry may stand for a look, and after how many the list is read: first, and again.
LIFE, FIRST, AGAIN = 60.0, 10.0, 45.0
#: A list that has stood for less than one in so many looks is left for twice as long as before, up to so many
#: seconds: others have newer batches.
USEFUL, LONGEST = 4, 720.0


#: To read an entry costs so much less than to look at the batch itself.
CHEAPER = 12


class _Entry(msgspec.Struct, frozen=True, gc=False):
    """An entry in little room, and when it was asked for: on the loop's clock, and in API time."""

    raw: bytes
    at: float
    api_at: float


class SharedList:
    """What the list of one connection has shown lately, for the runs that wait on one event loop.

    `elapsed` is the loop's clock.
    """

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._entries: dict[str, _Entry] = {}
        #: The looks of the last minute: when, at how many batches, and from when the oldest of these is.
        self._looks: deque[tuple[float, int, float]] = deque()
        self._due_at: float | None = None
        self._pause = AGAIN
        self._wanted = self._taken = 0
        #: When (on the loop's clock) the batches are looked at next that were looked at before.
        self._next_looks: dict[str, float] = {}
        #: Since the list was read: looks at other batches, and entries of others.
        self._first_looks = self._others = 0
        self._reads_others = True
        #: The reading, as long as it lasts.
        self.reading: asyncio.Task[None] | None = None
        #: Until when, in API time, the API has asked not to be called when the list was read.
        self.rest = 0.0
        #: What holds tokens, for the runs that wait for room.
        self.live = SharedLiveBatches(elapsed)

    def shown(self, client: AsyncClient, sends: Sequence[Send]) -> list[Batch]:
        """Return what the list shows of the batches of these sends; read it again where that saves calls."""
        batches = [send.batch.id for send in sends if send.batch is not None]
        return self.shown_of(client, batches, oldest_of(sends))

    def shown_of(self, client: AsyncClient, batches: Sequence[str], oldest: float) -> list[Batch]:
        """Return the same of batches of which none was made before `oldest`, in API time."""
        now = self._elapsed()
        self._looks.append((now, len(batches), oldest))
        while self._looks[0][0] < now - LIFE:
            self._looks.popleft()
        self._first_looks += sum(name not in self._next_looks for name in batches)
        found = [self._take(name, now, client.now()) for name in batches]
        self._read_if_due(client, now)
        return [batch for batch in found if batch is not None]

    def expect(self, batches: Iterable[str], seconds: float) -> None:
        """Note in how many seconds these batches are looked at next; until then no entry of them is kept."""
        self._next_looks.update(dict.fromkeys(batches, self._elapsed() + seconds))

    def forget(self, batches: Iterable[str]) -> None:
        """Note that nobody here waits for these batches any more."""
        for name in batches:
            self._next_looks.pop(name, None)

    def stop(self) -> None:
        """Read no more."""
        self.live.stop()
        if self.reading is not None:
            self.reading.cancel()

    def _take(self, batch_id: str, now: float, api_now: float) -> Batch | None:
        entry = self._entries.pop(batch_id, None)
        if entry is None or now - entry.at > LIFE or api_now - entry.api_at > LIFE:
            return None
        self._taken += 1
        return msgspec.msgpack.decode(entry.raw, type=Batch)

    def _read_if_due(self, client: AsyncClient, now: float) -> None:
        if self._due_at is None:
            self._due_at = now + FIRST
        if self.reading is not None or now < self._due_at or client.now() < self.rest:
            return
        self._entries = {name: entry for name, entry in self._entries.items() if now - entry.at <= LIFE}
        if self._taken * USEFUL < self._wanted:
            self._pause = min(2 * self._pause, LONGEST)
            self._due_at, self._wanted = now + self._pause, 0
            return
        wanted = sum(count for _, count, _ in self._looks)
        if pages := pages_for_looks(wanted):
            self._pause = AGAIN if self._taken else self._pause
            self._due_at, self._wanted, self._taken = now + AGAIN, wanted, 0
            self._reads_others = self._others <= CHEAPER * self._first_looks
            self._others = self._first_looks = 0
            oldest = min(oldest for *_, oldest in self._looks)
            self.reading = asyncio.create_task(self._read(client, oldest, pages))

    def _is_wanted(self, name: str) -> bool:
        """Tell whether a look may take the entry of a batch before it is too old."""
        due = self._next_looks.get(name)
        if due is None:
            self._others += 1
            return self._reads_others
        return due <= self._elapsed() + LIFE

    async def _read(self, client: AsyncClient, oldest: float, pages: int) -> None:
        try:
            at, api_at = self._elapsed(), client.now()
            async for page in client.pages_back_to(oldest, pages, self._is_wanted):
                for batch in page:
                    self._entries[batch.id] = _Entry(msgspec.msgpack.encode(batch), at, api_at)
                at, api_at = self._elapsed(), client.now()
        except (*DENIED, *UNSEEN, ListFailed) as error:
            log.info("The list of batches could not be read (%s).", type(error).__name__)
            if seconds := rest_after(error):
                self.rest = client.now() + seconds
        finally:
            self.reading = None
