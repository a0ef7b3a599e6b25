"""Usage without answers: what the batches of a run used beyond their answers, over all sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.usage import BatchUsage, added_up
from airflow_provider_openai_batch.batch.cost.prices import added
from airflow_provider_openai_batch.batch.run.unseen_usage import price_of
from airflow_provider_openai_batch.batch.text.money import usd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.cost.prices import Prices
    from airflow_provider_openai_batch.batch.run.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class RanUnseen:
    """Tokens that no answer reports; amounts are None if a price is unknown."""

    tokens: BatchUsage = field(default_factory=BatchUsage)
    cost_usd: float | None = 0.0  #: of all of them
    apart_usd: float | None = 0.0  #: of those that are booked on no request
    apart_full_usd: float | None = 0.0  #: the same without batches

    def __str__(self) -> str:
        if not self.tokens.total:
            return ""
        cost = "" if self.cost_usd is None else f", which cost {usd(self.cost_usd)} of this"
        return (
            f" The batches used {self.tokens.input_tokens:,} input and {self.tokens.output_tokens:,} output "
            f"tokens more than their answers report{cost}."
        )


def ran_unseen(run: Run, prices: Prices) -> RanUnseen:
    """Add up the usage without answers, and its cost."""
    booked = [
        (send.tally.unseen, shard.about.model)
        for shard in run.shards
        for send in shard.sends
        if send.tally is not None and send.tally.unseen is not None
    ]
    apart = [(unseen.tokens, model) for unseen, model in booked if not unseen.requests]
    return RanUnseen(
        tokens=added_up(unseen.tokens for unseen, _ in booked),
        cost_usd=_sum(price_of(unseen.tokens, prices, model) for unseen, model in booked),
        apart_usd=_sum(price_of(tokens, prices, model) for tokens, model in apart),
        apart_full_usd=_sum(price_of(tokens, prices, model, synchronous=True) for tokens, model in apart),
    )


def _sum(amounts: Iterable[float | None]) -> float | None:
    known = list(amounts)
    return None if None in known else added(amount for amount in known if amount is not None)
