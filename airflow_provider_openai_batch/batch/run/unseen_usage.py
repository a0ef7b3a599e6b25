"""What ran unseen: the tokens of a batch beyond those of its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.api.usage import NAMES, BatchUsage, Unseen
from airflow_provider_openai_batch.batch.cost.billing import bill
from airflow_provider_openai_batch.batch.cost.prices import Usage, cost
from airflow_provider_openai_batch.batch.text.row_status import RowStatus

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.cost.prices import Prices
    from airflow_provider_openai_batch.batch.run.facts import About

#: No request takes more, in or out: a usage beyond is a number of something else.
MOST = 10_000_000
#: Statuses of requests that may have run although no line has their tokens.
SILENT = frozenset({
    RowStatus.OK, RowStatus.TRUNCATED, RowStatus.REFUSED, RowStatus.INVALID, RowStatus.MISSING,
    RowStatus.UNKNOWN,
})  # fmt: skip
#: Of these the ones of which there is no line at all; one that says so itself did not run.
UNRUN = frozenset({RowStatus.EXPIRED, RowStatus.CANCELLED})


def book_unseen(
    answers: pa.Table, usage: BatchUsage | None, about: About, prices: Prices
) -> tuple[pa.Table, Unseen | None]:
    """Book tokens beyond those of the answers on the requests that may have taken them, if there are any."""
    more = beyond(usage, answers, about.requests)
    if more is None:
        return answers, None
    places = silent(answers)
    if not len(places):
        return answers, Unseen(tokens=more, cost_usd=price_of(more, prices, about.model))
    answers = booked(answers, places, more)
    paid = bill(answers.take(pa.array(places)), prices, about.model).total
    return answers, Unseen(tokens=more, requests=len(places), cost_usd=paid)


def beyond(usage: BatchUsage | None, answers: pa.Table, requests: int) -> BatchUsage | None:
    """Return the tokens of a usage beyond those of the answers; None: there are none, or it cannot be true.

    :param requests: how many the batch holds.
    """
    if usage is None or max(usage.input_tokens, usage.output_tokens) > requests * MOST:
        return None
    summed = {name: pc.sum(answers[name]).as_py() or 0 for name in NAMES}
    more = {name: getattr(usage, name) - summed[name] for name in NAMES}
    inputs, outputs = more["input_tokens"], more["output_tokens"]
    if min(inputs, outputs) < 0 or inputs + outputs == 0:
        return None
    return BatchUsage(
        input_tokens=inputs,
        cached_tokens=max(0, min(more["cached_tokens"], inputs)),
        output_tokens=outputs,
        reasoning_tokens=max(0, min(more["reasoning_tokens"], outputs)),
    )


def silent(answers: pa.Table) -> np.ndarray:
    """Return the places of the requests that may have run, and whose tokens are unknown."""
    untold = pc.and_(pc.is_null(answers["input_tokens"]), pc.is_null(answers["output_tokens"]))
    may_run = pc.is_in(answers["status"], value_set=pa.array(sorted(SILENT)))
    no_line = pc.and_(
        pc.is_in(answers["status"], value_set=pa.array(sorted(UNRUN))), pc.is_null(answers["error_code"])
    )
    return np.flatnonzero(pc.and_(untold, pc.or_(may_run, no_line)).to_numpy())


def booked(answers: pa.Table, places: np.ndarray, tokens: BatchUsage) -> pa.Table:
    """Book tokens on these requests in even shares, so that they add up."""
    for name in NAMES:
        amounts = pc.fill_null(answers[name], 0).to_numpy().copy()
        share, rest = divmod(getattr(tokens, name), len(places))
        amounts[places] = share
        amounts[places[:rest]] += 1
        known = answers[name].is_valid().to_numpy().copy()
        known[places] = True
        column = answers.schema.get_field_index(name)
        answers = answers.set_column(column, answers.schema.field(column), pa.array(amounts, mask=~known))
    return answers


def price_of(tokens: BatchUsage, prices: Prices, model: str, *, synchronous: bool = False) -> float | None:
    """Return what tokens of many requests cost, in a batch or synchronously; None: the price is unknown."""
    price = prices.find(model)
    if price is None:
        return None
    usage = Usage(
        input_tokens=tokens.input_tokens,
        cached_tokens=tokens.cached_tokens,
        output_tokens=tokens.output_tokens,
    )
    one = msgspec.structs.replace(price, long=None)  # many short prompts are no long one
    return cost(one, usage, synchronous=synchronous)


def without_tokens(answers: pa.Table, again: np.ndarray) -> pa.Table:
    """Take the tokens from answers on whose requests they are booked already, so that they count once."""
    for name in NAMES:
        column = answers.schema.get_field_index(name)
        counts = pc.if_else(pa.array(again), pa.scalar(0, pa.int64()), answers[name])
        answers = answers.set_column(column, answers.schema.field(column), counts)
    return answers
