"""What answers have cost, by the tokens that the API says they took."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.cost.prices import TokenColumns, added, costs
from airflow_provider_openai_batch.batch.text.row_status import RowStatus

if TYPE_CHECKING:
    import numpy.typing as npt

    from airflow_provider_openai_batch.batch.cost.prices import Price, Prices

    Amounts = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

#: What is read of answers to know their cost.
READ = ("status", "model", "input_tokens", "cached_tokens", "output_tokens", "batch_id")
UNSEEN = str(RowStatus.UNKNOWN)
#: A model has put something out, or may have: that costs, whether or not the API says how much.
MAY_COST = (str(RowStatus.OK), RowStatus.TRUNCATED, RowStatus.REFUSED, RowStatus.INVALID, UNSEEN)


@dataclass(frozen=True, slots=True)
class Taken:
    """Tokens that answers took; NaN where the API does not say."""

    input: Amounts
    cached: Amounts
    output: Amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Of each answer what was paid for it and what it costs synchronously, in USD; NaN: unknown."""

    paid: Amounts
    full: Amounts

    @property
    def total(self) -> float | None:
        """Return what was paid for all, None where part of it is unknown."""
        total = added(self.paid.tolist())
        return None if math.isnan(total) else total


def bill(answers: pa.Table, prices: Prices, requested: str) -> Bill:
    """Price answers by the model that gave them, or else by the one that was asked.

    An answer without a batch is of a synchronous request. A request without an answer costs nothing; one with
    an unknown outcome may have cost something.
    """
    inputs, cached, outputs = (_numbers(answers[name]) for name in READ[2:5])
    synchronous = _mask(pc.is_null(answers["batch_id"]))
    paid, full = np.zeros(len(answers)), np.zeros(len(answers))
    used = ~(np.isnan(inputs) & np.isnan(outputs))
    doubtful = _mask(pc.is_in(answers["status"], value_set=pa.array(MAY_COST)))
    found, places = _prices_of(answers["model"], prices, requested)
    for place, price in enumerate(found):
        mask = (places == place) & (used | doubtful)
        tokens = Taken(inputs[mask], np.nan_to_num(cached[mask]), outputs[mask])
        full[mask] = _priced(price, tokens, synchronous=True)
        paid[mask] = np.where(synchronous[mask], full[mask], _priced(price, tokens, synchronous=False))
    return Bill(paid=paid, full=full)


def _prices_of(
    models: pa.ChunkedArray, prices: Prices, requested: str
) -> tuple[list[Price | None], npt.NDArray[np.int64]]:
    """Return the prices that there are, and which one each answer has; each may name a model."""
    coded = pc.fill_null(models, "").combine_chunks().dictionary_encode()
    each = [prices.find_any(model, requested) for model in coded.dictionary.to_pylist()]
    found = list(dict.fromkeys(each))
    places = np.array([found.index(price) for price in each], dtype=np.int64)
    return found, places[coded.indices.to_numpy()] if each else np.zeros(0, dtype=np.int64)


def _priced(price: Price | None, tokens: Taken, *, synchronous: bool) -> Amounts:
    if price is None:
        return np.full(len(tokens.input), np.nan)
    # Tokens that cost nothing may be unknown.
    known = TokenColumns(
        input=tokens.input if price.input else np.nan_to_num(tokens.input),
        cached=tokens.cached,
        output=tokens.output if price.output else np.nan_to_num(tokens.output),
    )
    return costs(price, known, synchronous=synchronous)


def _numbers(column: pa.ChunkedArray) -> Amounts:
    """Return integers as numbers that can be NaN."""
    numbers: Amounts = column.to_numpy().astype(np.float64)  # where some are NULL, those are NaN
    return numbers


def _mask(column: pa.ChunkedArray) -> Mask:
    mask: Mask = pc.fill_null(column, False).to_numpy()
    return mask
