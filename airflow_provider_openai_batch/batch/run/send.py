"""A send as its folder records it: one upload and one create of a shard, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.api_time import AGREES
from airflow_provider_openai_batch.batch.api.usage import added_up
from airflow_provider_openai_batch.batch.run.facts import (
    BY_COMMAND,
    Cancel,
    Fence,
    Incomplete,
    Intent,
    Lost,
    Refusal,
    Tally,
    Terminal,
    Void,
)

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.batch.api.usage import BatchUsage

WINDOW = 86_400.0
LATE = 2 * 3_600.0


# What is worked out of a value is kept with it: the loop asks for it again for each shard.
@dataclass(frozen=True, kw_only=True)
class Send:
    """One upload plus one create of a shard."""

    shard: str
    id: str
    intent: Intent
    batches: tuple[Batch, ...] = ()
    void: Void | None = None
    refusals: tuple[Refusal, ...] = ()
    fences: tuple[Fence, ...] = ()
    cancels: tuple[Cancel, ...] = ()
    terminals: tuple[Terminal, ...] = ()
    lost: tuple[Lost, ...] = ()
    raw: frozenset[str] = frozenset()  #: which raw answer files are in the folder
    incomplete: tuple[Incomplete, ...] = ()
    tally: Tally | None = None

    @cached_property
    def folder(self) -> str:
        """Return where the send's files are, within the run."""
        return f"shards/{self.shard}/sends/{self.id}"

    @cached_property
    def open(self) -> bool:
        """Return whether something may still come of it; a batch beats a void, and so does an answer."""
        if self.tally is not None or self.refusals:
            return False
        return bool(self.batches) or self.void is None or self.is_answered

    @property
    def is_answered(self) -> bool:
        """Return whether the answer of a preflight is there, written down as it came."""
        return self.intent.preflight and bool(self.raw)

    @cached_property
    def batch(self) -> Batch | None:
        """Return the batch that counts; should there be two, the first one made."""
        return min(self.own, key=lambda batch: (batch.created_at or 0.0, batch.id), default=None)

    @cached_property
    def own(self) -> tuple[Batch, ...]:
        """Return its batches without those that its create answered and that others turned out to be."""
        others = {fact.batch_id for fact in self.lost if fact.replaced_by}
        return tuple(batch for batch in self.batches if batch.id not in others)

    @cached_property
    def terminal(self) -> Terminal | None:
        """Return the first record of the end of the batch that counts, of those that name most files."""
        own = [terminal for terminal in self.terminals if self.batch and terminal.batch.id == self.batch.id]
        return min(own, key=lambda terminal: (_unnamed(terminal.batch), terminal.at), default=None)

    @property
    def usage(self) -> BatchUsage | None:
        """Return the tokens of its batches, the largest that each has shown; None: none has shown any."""
        own = {batch.id for batch in self.own}
        ended = [one.batch for one in self.terminals if one.batch.usage is not None and one.batch.id in own]
        most = {batch.id: batch.usage for batch in sorted(ended, key=lambda one: one.tokens)}
        return added_up(usage for usage in most.values() if usage) if most else None

    @property
    def twins(self) -> tuple[Batch, ...]:
        """Return further batches of the same file, of which there should be none."""
        return tuple(batch for batch in self.own if batch != self.batch)

    @cached_property
    def refusal(self) -> Refusal | None:
        """Return the last refusal."""
        return max(self.refusals, key=lambda refusal: refusal.at, default=None)

    @property
    def is_misdated(self) -> bool:
        """Return whether the intent and its file are of times that contradict each other: one of them lies.

        A file whose server gave no time is dated a window before the intent.
        """
        apart = abs(self.intent.at - self.intent.file_created_at)
        return apart > AGREES and abs(apart - WINDOW) > 1

    @property
    def sent_at(self) -> float:
        """Return when it was sent, by the intent, or by its file and batch if that is wrong."""
        if not self.is_misdated:
            return self.intent.at
        made = self.batch.created_at if self.batch else None
        if made is not None and abs(made - self.intent.file_created_at) <= WINDOW:
            return max(made, self.intent.file_created_at)
        return max(self.intent.at, self.intent.file_created_at)

    @property
    def deadline(self) -> float:
        """Return the API time after which its answers are not waited for.

        The times of a batch may come from another clock than the API time: the later one counts.
        """
        batch = self.batch
        started = batch.created_at if batch and batch.created_at else self.sent_at
        expires_at = batch.expires_at if batch and batch.expires_at else 0.0
        window = expires_at - started if expires_at > started else WINDOW
        return max(started, self.sent_at) + window + LATE

    @property
    def patience(self) -> float:
        """Return the API time until which an answer file that cannot be read is asked for again."""
        return max(self.deadline, min((fact.at for fact in self.terminals), default=0.0) + LATE)

    @property
    def fenced_at(self) -> float | None:
        """Return since when the input file is gone for sure."""
        return min((fence.at for fence in self.fences if fence.deleted), default=None)

    @property
    def lost_since(self) -> float | None:
        """Return since when the API does not know the batch."""
        return min((lost.at for lost in self.lost if not lost.replaced_by), default=None)

    @property
    def cancelled_by_us(self) -> bool:
        """Return whether our own cancel is recorded."""
        return bool(self.cancels)

    @property
    def stopped_by_a_person(self) -> bool:
        """Return whether a person has cancelled it by our command, which only a clear of submit undoes."""
        return any(cancel.by == BY_COMMAND for cancel in self.cancels)


def _unnamed(batch: Batch) -> int:
    """Count the answer files that a batch does not name; some servers name them only later."""
    return [batch.output_file_id, batch.error_file_id].count(None)
