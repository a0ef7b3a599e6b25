"""The cap of a run: what it has paid, what is in flight, and whether one more shard may be sent."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.decisions.preflight import may_have_run
from airflow_provider_openai_batch.batch.text.money import usd
from airflow_provider_openai_batch.batch.text.row_status import RowStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.batch.run.send import Send

OVER_CAP = "max_cost_usd"
#: Statuses of answers that the model has given, and that are paid for.
ANSWERED = (RowStatus.OK, RowStatus.TRUNCATED, RowStatus.REFUSED, RowStatus.INVALID)
TOLERANCE = 1 + 1e-9  #: of sums of many small amounts


class Verdict(StrEnum):
    """Whether a shard may be sent."""

    FITS = "fits"
    LATER = "later"  #: perhaps: what is in flight may cost less than it is estimated
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Amounts in USD; `growth` is how much more than estimated the answers cost that are there, or 1."""

    cap: float
    spent: float
    in_flight: float
    growth: float

    def check(self, cost: float) -> Verdict:
        """Decide by its estimate whether a shard may be sent."""
        alone = self.spent + self.growth * cost
        if alone + self.growth * self.in_flight <= self.cap * TOLERANCE:
            return Verdict.FITS
        return Verdict.LATER if self.in_flight and alone <= self.cap * TOLERANCE else Verdict.OVER

    def with_shard(self, cost: float) -> Budget:
        """Return the budget as it is once a shard of this estimate is in flight."""
        return replace(self, in_flight=self.in_flight + cost)

    def refuse(self, cost: float) -> str:
        """Say why a shard is not sent."""
        grown = f", {self.growth:.1f} times what was estimated" if self.growth > 1 else ""
        flying = f", {usd(self.growth * self.in_flight)} are in flight" if self.in_flight else ""
        own = f"about {usd(self.growth * cost)}{grown}" if math.isfinite(cost) else "an unknown amount"
        return (
            f"Not sent: limits['max_cost_usd'] is {usd(self.cap)}, {usd(self.spent)} are spent{flying}, and "
            f"this batch would cost {own}. Raise the limit and clear submit."
        )


def cost_budget(run: Run, now: float, cap: float | None = None) -> Budget | None:
    """Add up what the run pays, over all its snapshots; None: it has no cap.

    What should have ended long ago counts as spent, for its answers may be paid for.

    :param cap: that of a snapshot to come; None: the current one's.
    """
    if cap is None and run.current is not None:
        cap = run.current.submission.max_cost_usd
    if cap is None:
        return None
    growth, spent, in_flight = _growth(run), 0.0, 0.0
    for shard, send in _sends(run):
        if not (send.open and was_sent(send)):
            spent += _paid(run, shard, send)
        elif now <= send.deadline:
            in_flight += cost_of(run, shard)
        else:
            spent += growth * cost_of(run, shard)
    return Budget(cap=cap, spent=spent, in_flight=in_flight, growth=growth)


def refuse_plan(budget: Budget, new: float) -> str | None:
    """Say why nothing is sent if all that is new would pass the cap; None: it would not."""
    if budget.check(new) is Verdict.FITS:
        return None
    before = budget.spent + budget.growth * budget.in_flight
    already = f", and {usd(before)} are spent or in flight" if before else ""
    return (
        f"What is to be sent is estimated at {usd(new)}{already}: more than limits['max_cost_usd'] of "
        f"{usd(budget.cap)}. Nothing was sent. Raise the limit (a DAG only up to its connection's), ask "
        "fewer rows (limits['rows']), or make the request cheaper: another model, a lower output limit."
    )


def cost_of(run: Run, shard: Shard) -> float:
    """Return the estimate of a shard; without one, its share of the snapshot's; infinite without both."""
    if shard.about.cost_usd is not None:
        return shard.about.cost_usd
    done = run.current.done if run.current else None
    whole = done.forecast.all if done and done.forecast else None
    if whole is None or whole.cost_usd is None or not whole.requests:
        return math.inf
    return whole.cost_usd / whole.requests * shard.about.requests


def room_again(run: Run, now: float) -> float:
    """Return when something in flight is not waited for any more."""
    times = (send.deadline for send in run.sends if send.open and was_sent(send))
    return min((time for time in times if time >= now), default=now)


def _sends(run: Run) -> Iterator[tuple[Shard, Send]]:
    return ((shard, send) for shard in run.shards for send in shard.sends)


def _paid(run: Run, shard: Shard, send: Send) -> float:
    """Return what an ended send has cost; where that is not known, what it was estimated."""
    if not was_sent(send) or send.refusals:
        return 0.0
    if send.tally is not None and send.tally.paid_usd is not None:
        return send.tally.paid_usd
    return cost_of(run, shard) if send.tally is not None or may_have_run(send) else 0.0


def _growth(run: Run) -> float:
    """Compare what answers have cost with their estimate.

    One request alone tells too little; that of a preflight is estimated at its synchronous price.
    """
    cost = estimate = 0.0
    for shard, send in _sends(run):
        about, tally = shard.about, send.tally
        if tally is None or tally.paid_usd is None or about.cost_usd is None:
            continue
        if about.preflight or not send.batches:
            continue
        answered = sum(tally.counts.get(status, 0) for status in ANSWERED)
        answered = min(about.requests, answered + (tally.unseen.requests if tally.unseen else 0))
        cost += tally.paid_usd
        estimate += about.cost_usd * answered / about.requests
    return max(1.0, cost / estimate) if estimate else 1.0


def was_sent(send: Send) -> bool:
    """Return whether anything was sent, in a batch or synchronously; what is over the cap was not."""
    return bool(send.intent.file_id) or send.intent.preflight or bool(send.batches)
