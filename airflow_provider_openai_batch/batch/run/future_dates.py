"""A run as it binds at a time: a fact that a lying clock dated later holds nothing back until then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace as put

from airflow_provider_openai_batch.batch.api.api_time import AGREES
from airflow_provider_openai_batch.batch.run.facts import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.batch.run.send import Send

OneFact = TypeVar("OneFact", bound=Fact)
LONG_AGO = 0.0


def run_as_of(run: Run, now: float) -> Run:
    """Return the run with what is dated later than the API time as if it were long ago, or not there."""
    put_offs = _come(run.put_offs, now)
    sends = {shard.id: tuple(send_as_of(send, now) for send in shard.sends) for shard in run.shards}
    if len(put_offs) == len(run.put_offs) and all(
        same is send for shard in run.shards for same, send in zip(sends[shard.id], shard.sends, strict=True)
    ):
        return run
    shards = tuple(replace(shard, sends=sends[shard.id]) for shard in run.shards)
    return replace(run, shards=shards, put_offs=put_offs)


def send_as_of(send: Send, now: float) -> Send:
    """Return a send that waits for no time which was never meant.

    What was tried at such a time is tried once more, with a new date; what has happened has happened.
    """
    if not any(is_yet_to_come(at, now) for at in _times(send)):
        return send
    made = send.intent.file_created_at
    refused = LONG_AGO if is_yet_to_come(made, now) else made
    return replace(
        send,
        refusals=_dated(send.refusals, now, refused),
        cancels=_dated(send.cancels, now, LONG_AGO),
        tally=_dated((send.tally,), now, LONG_AGO)[0] if send.tally else None,
        fences=_come(send.fences, now),
        lost=tuple(one for one in send.lost if one.replaced_by or not is_yet_to_come(one.at, now)),
        incomplete=_come(send.incomplete, now),
    )


def _times(send: Send) -> Iterator[float]:
    tally = () if send.tally is None else (send.tally,)
    for facts in (send.refusals, send.cancels, tally, send.fences, send.lost, send.incomplete):
        for fact in facts:
            yield fact.at


def is_yet_to_come(at: float, now: float) -> bool:
    """Return whether a time is later than the API time by more than what clocks that agree differ by."""
    return at > now + AGREES


def _come(found: Iterable[OneFact], now: float) -> tuple[OneFact, ...]:
    return tuple(fact for fact in found if not is_yet_to_come(fact.at, now))


def _dated(found: Iterable[OneFact], now: float, at: float) -> tuple[OneFact, ...]:
    return tuple(put(fact, at=at) if is_yet_to_come(fact.at, now) else fact for fact in found)
