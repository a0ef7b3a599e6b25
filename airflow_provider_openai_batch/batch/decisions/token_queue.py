"""The token queue: how many input tokens of a model may be enqueued, and whether a shard has room in it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.objects import Batch, BatchStatus, RefusalKind
from airflow_provider_openai_batch.batch.decisions.unwanted_batches import runs
from airflow_provider_openai_batch.batch.run.send import LATE, WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_openai_batch.batch.run import facts
    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.batch.run.send import Send

QUEUE_WAIT = 300.0
GETS_IMPATIENT = 3_600.0
REFUSED_OFTEN = 3
REFUSED_LONG = 3_600.0
QUARTER = 4
LIMIT = re.compile(r"limit(?::| of)\s*([0-9][0-9,_]*)\s*([kmb]?)\b", re.IGNORECASE)
#: A batch that has failed was refused, or held no room.
RAN = {BatchStatus.COMPLETED, BatchStatus.EXPIRED, BatchStatus.CANCELLED}
MANY = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}
SNAPSHOT = re.compile(r"-\d{4}-?\d{2}-?\d{2}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenQueue:
    """The budgets that the connection names, and the tokens of our live batches, both by model.

    `enqueued` is None where it was not counted: then only the API says when the queue is full. `freed` is
    when (API time) the last batch of a model ended, without the date of a snapshot in its name.
    """

    budgets: Mapping[str, int] = field(default_factory=dict)
    enqueued: Mapping[str, int] | None = None
    freed: Mapping[str, float] = field(default_factory=dict)

    def with_shard(self, shard: Shard) -> TokenQueue:
        """Return the queue as it is once a shard is enqueued, where it is counted."""
        if self.enqueued is None:
            return self
        model = shard.about.model
        tokens = self.enqueued.get(model, 0) + shard.about.tokens
        return replace(self, enqueued={**self.enqueued, model: tokens})


def token_budget(model: str, budgets: Mapping[str, int]) -> int | None:
    """Return the budget of a model; a dated snapshot shares that of its model."""
    return budgets.get(model, budgets.get(SNAPSHOT.sub("", model)))


def tokens_per_shard(model: str, budgets: Mapping[str, int]) -> int | None:
    """Return how many tokens one batch gets, so that several fit into the queue."""
    budget = token_budget(model, budgets)
    return None if budget is None else max(1, budget // QUARTER)


def is_counted(run: Run, models: Iterable[str], budgets: Mapping[str, int]) -> bool:
    """Return whether live batches are to be counted before one more of these models is created."""
    return any(
        token_budget(model, budgets) is not None or any(_was_full(send, model) for send in run.refused)
        for model in models
    )


def limit_in(message: str) -> int | None:
    """Read the limit that a refusal names: "Limit: 2,000,000 enqueued tokens", "limit of 30K"."""
    found = LIMIT.search(message)
    return int(re.sub("[,_]", "", found[1])) * MANY[found[2].lower()] if found else None


def enqueued(run: Run, looks: Mapping[str, object], listed: Iterable[Batch], now: float) -> dict[str, int]:
    """Add up the tokens of live batches by model: the run's own, and those that say how many they hold.

    The run's own are known before the list shows them; a create that got no clear answer may live. What
    should have ended long ago holds no room.
    """
    tokens: Counter[str] = Counter()
    for send in run.sends:
        if _is_enqueued(send) and _may_run(send, looks, now) and not _has_ended(send, looks):
            tokens[send.intent.model] += send.intent.tokens
    own = {batch.id for send in run.sends for batch in send.batches}
    for batch in listed:
        count = batch.metadata.get("tokens", "")
        if batch.id not in own and not _is_over(batch, now) and count.isdecimal():
            tokens[batch.metadata.get("model", "")] += int(count)
    return dict(tokens)


def freed(listed: Iterable[Batch], now: float) -> dict[str, float]:
    """Return when the last batch of each model ended, of those that held room in the queue."""
    return {family: batch.ended_at or 0.0 for family, batch in last_ended(listed, now).items()}


def last_ended(listed: Iterable[Batch], now: float) -> dict[str, Batch]:
    """Return the batch of each model that ended last, of those that held room in the queue."""
    last: dict[str, Batch] = {}
    for batch in listed:
        if batch.status in RAN and batch.ended_at is not None and batch.ended_at <= now:
            family = SNAPSHOT.sub("", batch.metadata.get("model", ""))
            last[family] = max(batch, last.get(family, batch), key=lambda one: one.ended_at or 0.0)
    return last


def _is_enqueued(send: Send) -> bool:
    """Return whether it may hold room; what has no file holds none."""
    return send.open and bool(send.intent.file_id or send.batches)


def _is_over(batch: Batch, now: float) -> bool:
    end = batch.expires_at or (batch.created_at or now) + WINDOW
    return batch.status.ended or now > end + LATE


def _may_run(send: Send, looks: Mapping[str, object], now: float) -> bool:
    """Return whether a send is not past its deadline, or is seen to run all the same."""
    return now <= send.deadline or (send.batch is not None and runs(looks.get(send.batch.id)))


def _has_ended(send: Send, looks: Mapping[str, object]) -> bool:
    look = looks.get(send.batch.id) if send.batch else None
    return send.terminal is not None or (isinstance(look, Batch) and look.status.ended)


def live_tokens(model: str, queue: TokenQueue) -> int | None:
    """Add up what shares the model's queue; None where it was not counted."""
    if queue.enqueued is None:
        return None
    family = SNAPSHOT.sub("", model)
    return sum(tokens for name, tokens in queue.enqueued.items() if SNAPSHOT.sub("", name) == family)


def has_room(run: Run, shard: Shard, queue: TokenQueue) -> bool:
    """Return whether the shard fits beside our live batches; alone it is always tried."""
    limit = limit_of(run, shard.about.model, queue.budgets)
    live = live_tokens(shard.about.model, queue)
    return limit is None or not live or live + shard.about.tokens <= limit


def never_fits(run: Run, shard: Shard, queue: TokenQueue) -> bool:
    """Return whether the API refused a shard repeatedly although nothing of ours was in the queue."""
    if not any(send.refusals for send in shard.sends):
        return False
    alone: set[int | None] = {0}
    if queue.enqueued is None and not any(send.open for send in run.sends):
        alone.add(None)  # a server without a list: as far as the run itself can tell
    times = sorted(
        send.refusal.at
        for send in shard.sends
        if send.refusal is not None and _was_full(send, shard.about.model) and send.intent.enqueued in alone
    )
    if len(times) < REFUSED_OFTEN or times[-1] - times[0] < REFUSED_LONG:
        return False
    # What others enqueued may pass; a single request is given up only if it alone is too much.
    limit = limit_of(run, shard.about.model, queue.budgets)
    return shard.about.requests > 1 or limit is None or shard.about.tokens > limit


def room_at(run: Run, shard: Shard, queue: TokenQueue) -> float | None:
    """Return when to try again after the API found the queue full; None if there may be room already."""
    full = [send for send in run.refused if _was_full(send, shard.about.model)]
    if not full:
        return None
    ended = max((s.terminal.at for s in run.sends if s.terminal is not None and not s.refusals), default=0.0)
    last = _freed_at(run, shard, queue)
    pauses = [
        _again_at(send.refusal, shard)
        for send in full
        if send.refusal is not None and send.refusal.at >= ended and _refused_at(send) >= last
    ]
    return max(pauses, default=None)


def _freed_at(run: Run, shard: Shard, queue: TokenQueue) -> float:
    """Return when a batch of any run made room; without a limit nobody knows for how many it is enough."""
    model = shard.about.model
    if queue.enqueued is None or limit_of(run, model, queue.budgets) is None:
        return 0.0
    return queue.freed.get(SNAPSHOT.sub("", model), 0.0)


def _refused_at(send: Send) -> float:
    """Return when the API refused it, which may have been seen much later."""
    seen = send.refusal.at if send.refusal else 0.0
    ended = send.terminal.batch.ended_at if send.terminal else None
    return seen if ended is None else min(seen, ended)


def pause(shard: Shard, at: float) -> float:
    """Return for how long a shard waits for room: varied, and shorter the longer it has waited."""
    age = max(0.0, at - shard.about.at)
    return QUEUE_WAIT / (1 + age / GETS_IMPATIENT) * (0.5 + jitter(f"{shard.id} {at}"))


def jitter(word: str) -> float:
    """Return a number in [0, 1) that is the same in every process."""
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:4]) / 2**32


def _again_at(refused: facts.Refusal, shard: Shard) -> float:
    return refused.at + max(pause(shard, refused.at), refused.answer.retry_after or 0.0)


def _was_full(send: Send, model: str) -> bool:
    refusal = send.refusal
    return (
        refusal is not None and refusal.answer.kind is RefusalKind.QUEUE_FULL and send.intent.model == model
    )


def limit_of(run: Run, model: str, budgets: Mapping[str, int]) -> int | None:
    """Return the connection's budget, else what the last refusal of the run says."""
    given = token_budget(model, budgets)
    if given is not None:
        return given
    refusals = [send.refusal for send in run.refused if _was_full(send, model) and send.refusal is not None]
    last = max(refusals, key=lambda refusal: refusal.at, default=None)
    return limit_in(last.answer.message) if last else None
