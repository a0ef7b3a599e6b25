"""How far a run is, as the line that the log shows while it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.batch.api.objects import Batch
from airflow_provider_openai_batch.batch.decisions.preflight import is_to_ask
from airflow_provider_openai_batch.batch.decisions.remaining_requests import Part, count_left
from airflow_provider_openai_batch.batch.decisions.token_queue import has_room, room_at
from airflow_provider_openai_batch.batch.run.future_dates import run_as_of
from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.batch.text.row_status import TRANSIENT, RowStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_openai_batch.batch.decisions.decision_input import Moment
    from airflow_provider_openai_batch.batch.decisions.remaining_requests import Left, Queue
    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.batch.run.send import Send

MINUTE, HOUR = 60, 3_600
#: How a request may end without an answer of the model.
UNANSWERED = TRANSIENT | {RowStatus.ERROR, RowStatus.CANCELLED, RowStatus.UNKNOWN}
#: A line is repeated after so many seconds, so that a log shows that the run is still looked at.
REPEATED = 3_600.0
#: While nothing is in flight and the token queue is full, looks are not further apart; the list that shows
#: whether there is room is read as often.
ROOM_PAUSE = 60.0


# A triggerer keeps thousands: the collector of reference cycles need not go through them.
class Progress(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one look shows of the current snapshot; times are API time in seconds since 1970.

    `answered` and `failed` are sums of stored answers and of the `request_counts` of batches in flight.
    They are complete where `is_counted`: some servers do not count, and a look may fail.
    """

    at: float
    since: float  #: when the first batch was sent
    batches: int  #: those that have ended, are in flight, and are still to be sent
    done: int
    requests: int
    answered: int
    failed: int
    is_counted: bool = True
    unseen: int = 0  #: batches whose look failed
    waiting: int = 0  #: batches that are waiting for token budget

    def longest_pause(self, longest: float) -> float:
        """Return the most seconds until the next look: fewer if other runs may make room any minute."""
        waits_for_room = 0 < self.waiting == self.batches - self.done
        return min(longest, ROOM_PAUSE) if waits_for_room else longest

    def is_news(self, last: Progress | None) -> bool:
        """Return whether this is to be logged after `last`: something changed, or an hour has passed."""
        if last is None or self.at >= last.at + REPEATED:
            return True
        return msgspec.structs.replace(self, at=last.at, since=last.since) != last

    def line(self, next_look: float | None = None) -> str:
        """Return the line of the log; a run that is finished has no next look, in seconds from now."""
        return "; ".join(self._parts(next_look))

    def _parts(self, next_look: float | None) -> Iterator[str]:
        if self.batches:
            yield f"{self.done:,} of {counted(self.batches, 'batch', 'batches')} done"
        yield self._requests()
        if self.unseen:
            yield f"status of {counted(self.unseen, 'batch', 'batches')} unknown"
        if self.waiting:
            yield f"{counted(self.waiting, 'batch', 'batches')} waiting for token budget"
        if next_look is not None:
            yield f"waiting {_duration(self.at - self.since)}"
            yield f"next look in {_duration(next_look)}"

    def _requests(self) -> str:
        if not self.requests:
            return "no requests to wait for"
        failed = f", {self.failed:,} failed" if self.failed else ""
        total = counted(self.requests, "request")
        if self.is_counted:
            return f"{self.answered:,} of {total} answered{failed}"
        if not self.answered:
            return f"{total}, number of answers unknown{failed}"
        return f"at least {self.answered:,} of {total} answered{failed}"


def _duration(seconds: float) -> str:
    """Write a duration as `45 s`, `12 min`, or `3 h 5 min`."""
    whole = max(0, round(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    hours, minutes = divmod(round(whole / MINUTE), HOUR // MINUTE)
    if not hours:
        return f"{minutes} min"
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def progress_of(run: Run, queue: Queue, moment: Moment) -> Progress:
    """Return how far the current snapshot is, from what was read and seen for the decision."""
    run = run_as_of(run, moment.now)
    flying = [send for send in run.sends if send.open and send.folder in queue.awaited]
    to_send = [left for left in queue.left if not is_to_ask(run, run.shard(left.shard))]
    seen = [_Seen.of(run, send, moment) for send in flying]
    ended = [send for send in _own_sends(run) if send.tally is not None and send.batch is not None]
    failed = _failed(run, queue, ended)
    requests = run.current.done.requests if run.current else 0
    elsewhere = sum(one.requests for one in seen) + sum(count_left(run, left) for left in queue.left)
    return Progress(
        at=moment.now,
        since=_first_sent_at(run, moment.now),
        batches=len(ended) + len(to_send) + sum(not send.intent.preflight for send in flying),
        done=len(ended) + sum(one.has_ended for one in seen),
        requests=requests,
        answered=max(0, requests - elsewhere - failed) + sum(one.answered for one in seen),
        failed=failed + sum(one.failed for one in seen),
        is_counted=all(one.is_counted for one in seen),
        unseen=sum(one.is_unseen for one in seen),
        waiting=sum(_waits_for_tokens(run, left, moment) for left in to_send),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What is known of the requests of a send in flight; those of a create in doubt have no answer yet."""

    requests: int
    answered: int = 0
    failed: int = 0
    has_ended: bool = False
    is_counted: bool = True
    is_unseen: bool = False

    @classmethod
    def of(cls, run: Run, send: Send, moment: Moment) -> _Seen:
        requests = run.shard(send.shard).about.requests
        if send.batch is None:
            return cls(requests=requests)
        look = moment.looks.get(send.batch.id)
        recorded = send.terminal.batch if send.terminal else None
        batch = look if isinstance(look, Batch) else recorded
        if batch is None:
            return cls(requests=requests, is_counted=False, is_unseen=True)
        counts = batch.request_counts
        answered = min(counts.completed or 0, requests)
        return cls(
            requests=requests,
            answered=answered,
            failed=min(counts.failed or 0, requests - answered),
            has_ended=batch.status.ended,
            is_counted=counts.completed is not None,
        )


def _own_sends(run: Run) -> Iterator[Send]:
    """Yield the sends of the shards that the current snapshot names, and of their parts."""
    named = set(run.current.done.shards) if run.current else set()
    for shard in run.shards:
        if run.ancestry(shard)[-1].id in named:
            yield from shard.sends


def _failed(run: Run, queue: Queue, ended: Iterable[Send]) -> int:
    """Count the requests of ended batches that have no answer, without those that are sent again."""
    again = {left.shard: count_left(run, left) for left in queue.left}
    for shard in run.shards:
        if shard.about.parent is not None:
            again[shard.about.parent] = again.get(shard.about.parent, 0) + shard.about.requests
    return sum(max(0, _unanswered(send) - again.get(send.shard, 0)) for send in ended)


def _unanswered(send: Send) -> int:
    """Count by the answers, and by the batch's own word; a batch that was cancelled reports no failures."""
    shown = send.terminal.batch.request_counts.failed if send.terminal else None
    tally = send.tally.counts if send.tally else {}
    return max(shown or 0, sum(count for status, count in tally.items() if status in UNANSWERED))


def _first_sent_at(run: Run, now: float) -> float:
    """Return when the first send of the present epoch began; without one, when the rows were staged."""
    if run.current is None:
        return now
    epoch = run.current.submission.epoch
    times = (send.intent.at for send in run.sends if send.intent.epoch >= epoch)
    return min(times, default=run.current.done.at)


def _waits_for_tokens(run: Run, left: Left, moment: Moment) -> bool:
    if isinstance(left, Part):
        return False
    shard: Shard = run.shard(left.shard)
    held = room_at(run, shard, moment.tokens) or 0.0
    return held > moment.now or not has_room(run, shard, moment.tokens)
