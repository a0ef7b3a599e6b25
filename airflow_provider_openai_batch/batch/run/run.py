"""A run as its folder records it: attempts, snapshots, shards, sends, loads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.run.facts import (
    About,
    Attempt,
    Done,
    Landed,
    PutOff,
    Stop,
    Submission,
    attempt_order,
)
from airflow_provider_openai_batch.batch.run.pauses import growing
from airflow_provider_openai_batch.exceptions import RunUnlisted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.run.send import Send


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The rows of one staging; complete when `done` is there."""

    id: str
    attempt: Attempt
    submission: Submission
    done: Done | None

    @property
    def complete(self) -> CompleteSnapshot | None:
        """Return the snapshot as one that has ended, if it has."""
        if self.done is None:
            return None
        return CompleteSnapshot(id=self.id, attempt=self.attempt, submission=self.submission, done=self.done)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteSnapshot(Snapshot):
    """The rows of a staging that has ended."""

    done: Done


def unlisted(name: str) -> RunUnlisted:
    """Say that the run folder does not show what must be there; a listing that lags shows it later."""
    return RunUnlisted(
        f"The run folder does not list {name!r}, which other files of it name. Nothing was sent. If the "
        "store lists new files late, a retry finds it; else the file was deleted: restore it."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One input file and what was done with it."""

    id: str
    about: About
    sends: tuple[Send, ...] = ()

    @property
    def ended(self) -> tuple[Send, ...]:
        """Return the sends that have answers."""
        return tuple(send for send in self.sends if send.tally is not None)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that a run's folder records, for one API origin."""

    attempts: tuple[Attempt, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    shards: tuple[Shard, ...] = ()
    landed: tuple[Landed, ...] = ()
    put_offs: tuple[PutOff, ...] = ()
    stops: tuple[Stop, ...] = ()

    @property
    def stopped(self) -> bool:
        """Return whether a person has cancelled the run since submit was last cleared."""
        return any(self.current is None or stop.epoch >= self.current.submission.epoch for stop in self.stops)

    @property
    def empty(self) -> bool:
        """Return whether nothing was ever written."""
        return not (self.attempts or self.snapshots or self.shards or self.landed)

    @property
    def has_landed(self) -> bool:
        """Return whether the rows that were staged last are in the target."""
        return self.current is not None and any(load.snapshot == self.current.id for load in self.landed)

    @property
    def live(self) -> Attempt | None:
        """Return the attempt that may create."""
        return max(self.attempts, key=attempt_order, default=None)

    @cached_property
    def current(self) -> CompleteSnapshot | None:
        """Return the complete snapshot of the highest attempt; a preview is none, for it is never sent."""
        sent = (snapshot.complete for snapshot in self.snapshots if not snapshot.submission.preview)
        return max(filter(None, sent), key=lambda snapshot: attempt_order(snapshot.attempt), default=None)

    @cached_property
    def sends(self) -> tuple[Send, ...]:
        """Return all sends of all shards."""
        return tuple(send for shard in self.shards for send in shard.sends)

    @cached_property
    def refused(self) -> tuple[Send, ...]:
        """Return the sends that the API refused; the last refusal of each counts."""
        return tuple(send for send in self.sends if send.refusals)

    @cached_property
    def unpaid(self) -> tuple[Send, ...]:
        """Return the sends that may have met an account without credit: refused, or partly not run."""
        return tuple(s for s in self.sends if s.refusals or (s.tally is not None and s.tally.unpaid))

    def send(self, folder: str) -> Send:
        """Return the send of this folder."""
        return self._sends[folder]

    @cached_property
    def _sends(self) -> dict[str, Send]:
        return {send.folder: send for send in self.sends}

    def put_off_times(self, what: str) -> list[float]:
        """Return when an action on a send or shard was put off."""
        return self._put_off_at.get(what, [])

    def rests_until(self, what: str) -> float:
        """Return until when an action on a send or shard is not tried again; the pauses grow."""
        times = self._put_off_at.get(what)
        return max(times) + growing(len(times)) if times else 0.0

    @cached_property
    def _put_off_at(self) -> dict[str, list[float]]:
        times: dict[str, list[float]] = {}
        for fact in self.put_offs:
            times.setdefault(fact.what, []).append(fact.at)
        return times

    def shard(self, shard_id: str) -> Shard:
        """Return the shard of this name; a folder that lists what is made of it has it, too."""
        found = self._shards.get(shard_id)
        if found is None:
            raise unlisted(f"shard {shard_id}")
        return found

    @cached_property
    def _shards(self) -> dict[str, Shard]:
        return {shard.id: shard for shard in self.shards}

    def has_children(self, shard_id: str) -> bool:
        """Return whether other shards took over requests of this one."""
        return shard_id in self._parents

    @cached_property
    def _parents(self) -> frozenset[str | None]:
        return frozenset(shard.about.parent for shard in self.shards)

    def earlier_sends(self, send: Send) -> Iterator[Send]:
        """Yield the ended sends whose batches have asked requests of this one before."""
        for shard in self.ancestry(self.shard(send.shard)):
            for other in shard.sends:
                if other.folder != send.folder and other.tally is not None and not other.intent.preflight:
                    yield other

    def ancestry(self, shard: Shard) -> tuple[Shard, ...]:
        """Return the shard, its parent, and so on up to the one that staging made."""
        line = [shard]
        while line[-1].about.parent is not None:
            line.append(self.shard(line[-1].about.parent))
        return tuple(line)
