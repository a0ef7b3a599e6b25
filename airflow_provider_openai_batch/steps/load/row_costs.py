"""What a run has paid for its rows: by request over all sends, and in total."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.cost.billing import UNSEEN, bill
from airflow_provider_openai_batch.batch.cost.prices import DIGITS, Prices, added, unpriced
from airflow_provider_openai_batch.batch.text.money import usd
from airflow_provider_openai_batch.batch.text.request_ids import ids_of, no_ids
from airflow_provider_openai_batch.steps.load.usage_beyond_answers import RanUnseen, ran_unseen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.cost.billing import Amounts, Bill
    from airflow_provider_openai_batch.batch.run.run import Run

LEAST = 1e-6  #: USD: what is less is a rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """The cost of answers that a better one replaced, by sorted ids of requests.

    `unseen` are repeated requests with an unknown outcome.
    """

    ids: np.ndarray
    paid: Amounts
    full: Amounts
    unseen: np.ndarray

    def of(self, ids: np.ndarray) -> tuple[Amounts, Amounts]:
        """Return what these requests cost before their best answer, as paid and without batches."""
        if not len(self.ids):
            return np.zeros(len(ids)), np.zeros(len(ids))
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        same = self.ids[places] == ids
        return np.where(same, self.paid[places], 0.0), np.where(same, self.full[places], 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What the requests of the rows cost, and how much less than without batches; None: unknown."""

    cost_usd: float | None
    saved_usd: float | None
    unseen: int = 0  #: requests with an unknown outcome
    elsewhere_usd: float = 0.0  #: paid by this run for requests that no row needs any more
    beyond: RanUnseen = field(default_factory=RanUnseen)  #: what batches used beyond their answers
    priced: bool = True  #: whether the requested model has a price
    reason: str = ""  #: why it is unknown

    def __str__(self) -> str:
        if self.cost_usd is None or self.saved_usd is None:
            return f"The cost is unknown: {self.reason}{self.beyond}"
        cost, whole = usd(self.cost_usd), usd(self.cost_usd + self.saved_usd)
        saved = f", {usd(self.saved_usd)} saved" if self.saved_usd > LEAST else ""
        text = f"Cost: {cost} ({whole} without batches{saved}).{self.beyond}"
        if self.unseen:
            text += f" Not included: {self.unseen:,} requests with an unknown outcome."
        if self.elsewhere_usd > LEAST:
            text += (
                f" Earlier requests of this run that no row needs any more cost {usd(self.elsewhere_usd)}."
            )
        return text


class Payments:
    """Books costs on rows as they go by, and adds them up.

    A request is paid for once, whatever number of rows share it: its cost is booked on the first of them,
    and is 0 on the others. Answers that a later attempt replaced are paid for, too: their cost is added.
    """

    def __init__(self, prices: Prices, model: str, replaced: Replaced) -> None:
        self._prices, self._model, self._replaced = prices, model, replaced
        self._paid: list[float] = []
        self._full: list[float] = []
        self._unseen = 0

    def book(self, ids: np.ndarray, first: pa.Array, found: pa.Table) -> pa.Array:
        """Return what each row's request cost, on the first row that asks it; 0 on the others."""
        own = bill(found, self._prices, self._model)
        before_paid, before_full = self._replaced.of(ids)
        paid, full = own.paid + before_paid, own.full + before_full
        is_first = first.to_numpy(zero_copy_only=False)
        unseen = _unseen(own, found)
        ever_unseen = unseen | np.isin(ids, self._replaced.unseen)
        self._unseen += int(np.count_nonzero(ever_unseen & is_first))
        self._paid.append(added(paid[is_first & ~unseen].tolist()))
        self._full.append(added(full[is_first & ~unseen].tolist()))
        return pa.array(np.where(is_first, paid.round(DIGITS), 0.0), pa.float64(), from_pandas=True)

    def paid(self, run: Run) -> Paid:
        """Return what was booked, and what else the run has paid for."""
        cost, full, beyond = added(self._paid), added(self._full), ran_unseen(run, self._prices)
        if math.isnan(cost) or beyond.apart_usd is None or beyond.apart_full_usd is None:
            priced = self._prices.find(self._model) is not None
            reason = (
                "the server did not report the tokens of every answer." if priced else unpriced(self._model)
            )
            return Paid(
                cost_usd=None,
                saved_usd=None,
                unseen=self._unseen,
                priced=priced,
                reason=reason,
                beyond=beyond,
            )
        costs = [send.tally.cost_usd for send in run.sends if send.tally is not None]
        known = added(amount for amount in costs if amount is not None)
        return Paid(
            cost_usd=added([cost, beyond.apart_usd]),
            saved_usd=added([full, -cost, beyond.apart_full_usd, -beyond.apart_usd]),
            unseen=self._unseen,
            elsewhere_usd=max(0.0, added([known, -cost])),
            beyond=beyond,
        )


def add_up(answers: Iterable[pa.Table], prices: Prices, model: str) -> Replaced:
    """Add up the cost of replaced answers; those that cost nothing are not held."""
    none = no_ids()
    ids, paid, full, lost = [none], [np.zeros(0)], [np.zeros(0)], [none]
    for table in answers:
        billed, asked = bill(table, prices, model), ids_of(table["custom_id"])
        unseen = _unseen(billed, table)
        costly = (billed.paid != 0) & ~unseen
        ids.append(asked[costly])
        paid.append(billed.paid[costly])
        full.append(billed.full[costly])
        lost.append(asked[unseen])
    each, places = np.unique(np.concatenate(ids), return_inverse=True)

    def added(amounts: list[Amounts]) -> Amounts:
        return np.bincount(places, np.concatenate(amounts), minlength=len(each)).astype(np.float64)

    return Replaced(ids=each, paid=added(paid), full=added(full), unseen=np.unique(np.concatenate(lost)))


def _unseen(billed: Bill, answers: pa.Table) -> np.ndarray:
    """Mask the requests with an unknown outcome that may have cost something."""
    unseen: np.ndarray = np.isnan(billed.paid) & pc.equal(answers["status"], UNSEEN).to_numpy()
    return unseen
