"""Which requests are still to be sent, and which shard holds them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from airflow_provider_openai_batch.batch.arguments.resend import FORGOTTEN_BY_A_CLEAR, forgotten_by_a_clear
from airflow_provider_openai_batch.batch.text.row_status import TRANSIENT, RowStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.run.facts import Tally
    from airflow_provider_openai_batch.batch.run.run import CompleteSnapshot, Run, Shard
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.batch.text.request_ids import Ids


class Requests(Protocol):
    """Where the sets of requests are read from: arrays of 16-byte custom_ids."""

    def of_snapshot(self, snapshot_id: str) -> Ids:
        """Return the distinct requests of a snapshot, sorted."""

    def of_shard(self, shard_id: str) -> Ids:
        """Return the requests of a shard in file order."""

    def answered(self, send: Send) -> tuple[Ids, np.ndarray]:
        """Return the answered requests of an ended send and the status of each."""

    def unpaid(self, send: Send) -> Ids:
        """Return the requests of an ended send that were not run, for the account had no credit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A shard of which nobody is asking for a request, and no request has a final answer: it can be sent."""

    shard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Requests of one shard that nobody is asking for and that have no final answer: they make a child.

    They are at `positions` of the shard; the child carries the number `attempt`. Of them `invalid` have an
    answer that does not fit.
    """

    shard: str
    positions: Ids
    attempt: int
    invalid: int = 0


Left = Whole | Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What is left to send, and which open sends somebody waits for."""

    left: tuple[Left, ...]
    awaited: frozenset[str]


def queue(run: Run, requests: Requests) -> Queue:
    """Work out what the current snapshot still needs."""
    if run.current is None:
        return Queue(left=(), awaited=frozenset())
    return _simple(run, run.current) or _Sets(run, run.current, requests).queue()


def count_left(run: Run, left: Left) -> int:
    """Return how many requests are left to send."""
    return len(left.positions) if isinstance(left, Part) else run.shard(left.shard).about.requests


def _simple(run: Run, current: CompleteSnapshot) -> Queue | None:
    """Answer without reading any set: one snapshot, and every shard is unsent, open, or fully answered."""
    if len(run.snapshots) > 1 or {shard.id for shard in run.shards} != set(current.done.shards):
        return None
    again = FORGOTTEN_BY_A_CLEAR | ({RowStatus.INVALID} if current.submission.reask_invalid else set())
    if any(send.tally and not _settled(send.tally, again) for send in run.sends):
        return None
    unsent = (shard for shard in run.shards if not any(send.open or send.tally for send in shard.sends))
    left = tuple(Whole(shard=shard.id) for shard in unsent)
    return Queue(left=left, awaited=frozenset(send.folder for send in run.sends if send.open))


def _settled(tally: Tally, again: frozenset[RowStatus]) -> bool:
    return tally.counted and not any(tally.counts.get(status) for status in again)


class _Sets:
    """The same question where answers are partial, repeated, or of several snapshots."""

    def __init__(self, run: Run, current: CompleteSnapshot, requests: Requests) -> None:
        self._run, self._requests = run, requests
        self._epoch = current.submission.epoch
        self._most = current.submission.max_attempts
        self._forgotten = forgotten_by_a_clear(current.submission.resend)
        self._current = requests.of_snapshot(current.id)
        self._reask = current.submission.reask_invalid
        self._invalid = {send.folder: self._invalid_of(send) for send in run.sends if self._has_invalid(send)}
        self._times = self._count_invalid()

    def queue(self) -> Queue:
        taken = np.zeros(len(self._current), dtype=bool)
        awaited = []
        for send in self._run.sends:
            if send.open:
                held = self._mark(self._requests.of_shard(send.shard))
                taken |= held
                awaited += [send.folder] if held.any() else []
            elif send.tally is not None:
                taken |= self._final(send)
        return Queue(left=tuple(self._divide(taken)), awaited=frozenset(awaited))

    def _divide(self, taken: np.ndarray) -> Iterator[Left]:
        """Give each request to the last shard of its line, and to one line only.

        Of several lines it goes to the smallest shard that holds it: what would be cut off a larger one may
        be that shard itself, which is named by its lines, and then nothing would ever be sent.
        """
        for shard in sorted(self._run.shards, key=self._rank, reverse=True):
            ids = self._requests.of_shard(shard.id)
            wanted = self._in_current(ids)
            wanted[wanted] &= ~taken[np.searchsorted(self._current, ids[wanted])]
            if wanted.any():
                taken |= self._mark(ids[wanted])
                yield self._left(shard, wanted)

    def _left(self, shard: Shard, wanted: np.ndarray) -> Left:
        ids = self._requests.of_shard(shard.id)[wanted]
        ran = [send for send in shard.ended if not self._never_ran(send, ids).all()]
        counted = any(send.tally and send.tally.counted for send in ran)
        if wanted.all() and not ran and not self._run.has_children(shard.id):
            return Whole(shard=shard.id)
        return Part(
            shard=shard.id,
            positions=np.flatnonzero(wanted),
            attempt=shard.about.attempt + int(counted),
            invalid=int(np.count_nonzero(self._times_of(ids))),
        )

    def _rank(self, shard: Shard) -> tuple[int, int, str]:
        return (-shard.about.requests, len(self._run.ancestry(shard)), shard.id)

    def _final(self, send: Send) -> np.ndarray:
        ids, statuses = self._requests.answered(send)
        again = self._failed_for_the_moment(send, ids, statuses)
        if send.folder in self._invalid:
            again |= (statuses == RowStatus.INVALID) & (self._times_of(ids) <= self._reask)
        return self._mark(ids[~again])

    def _failed_for_the_moment(self, send: Send, ids: Ids, statuses: np.ndarray) -> np.ndarray:
        """Mask the answers that are none: those of this epoch only as long as attempts are left."""
        if send.intent.epoch < self._epoch:
            ours = {RowStatus.CANCELLED} if send.cancelled_by_us else set()
            return np.isin(statuses, sorted(self._forgotten | ours))
        goes_on = send.cancelled_by_us and not send.stopped_by_a_person
        words = FORGOTTEN_BY_A_CLEAR if goes_on else TRANSIENT
        return np.isin(statuses, sorted(words)) & (self._attempts(send, ids) < self._most)

    def _attempts(self, send: Send, ids: Ids) -> np.ndarray:
        """Count the sends of each request that ended in the present epoch without an answer to it."""
        line = self._run.ancestry(self._run.shard(send.shard))
        ended = [[send for send in shard.ended if self._counts(send)] for shard in line]
        counted = np.zeros(len(ids), dtype=np.int64)
        for sends in filter(None, ended):
            counted += ~np.logical_and.reduce([self._never_ran(send, ids) for send in sends])
        for one in itertools.chain.from_iterable(ended):
            if one.folder in self._invalid:
                counted -= np.isin(ids, self._invalid[one.folder])
        return counted

    def _never_ran(self, send: Send, ids: Ids) -> np.ndarray:
        """Mask what the API did not run for want of credit: that is not an attempt."""
        if send.tally is None or not send.tally.unpaid:
            return np.zeros(len(ids), dtype=bool)
        return np.isin(ids, self._requests.unpaid(send))

    def _has_invalid(self, send: Send) -> bool:
        """Return whether answers of a send do not fit and may be asked for again, or have been."""
        if not (self._reask and send.tally and send.tally.counts.get(RowStatus.INVALID)):
            return False
        return send.intent.epoch >= self._epoch or RowStatus.INVALID not in self._forgotten

    def _invalid_of(self, send: Send) -> Ids:
        ids, statuses = self._requests.answered(send)
        invalid: Ids = ids[statuses == RowStatus.INVALID]
        return invalid

    def _count_invalid(self) -> np.ndarray:
        """Count for each request the answers that do not fit; a clear alone gives no new ones."""
        times = np.zeros(len(self._current), dtype=np.int16)
        for ids in self._invalid.values():
            times += self._mark(ids)
        return times

    def _times_of(self, ids: Ids) -> np.ndarray:
        found = self._in_current(ids)
        times = np.zeros(len(ids), dtype=np.int16)
        times[found] = self._times[np.searchsorted(self._current, ids[found])]
        return times

    def _counts(self, ended: Send) -> bool:
        return ended.tally is not None and ended.tally.counted and ended.intent.epoch >= self._epoch

    def _in_current(self, ids: Ids) -> np.ndarray:
        if not len(self._current):
            return np.zeros(len(ids), dtype=bool)
        places = np.minimum(np.searchsorted(self._current, ids), len(self._current) - 1)
        found: np.ndarray = self._current[places] == ids
        return found

    def _mark(self, ids: Ids) -> np.ndarray:
        marked = np.zeros(len(self._current), dtype=bool)
        marked[np.searchsorted(self._current, ids[self._in_current(ids)])] = True
        return marked
