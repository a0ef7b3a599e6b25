"""What a run will take and cost, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from airflow_provider_openai_batch.batch.cost.prices import TokenColumns, added, costs, unpriced
from airflow_provider_openai_batch.batch.text.money import usd

if TYPE_CHECKING:
    import numpy.typing as npt

    from airflow_provider_openai_batch.batch.cost.expected_output import Expected
    from airflow_provider_openai_batch.batch.cost.prices import Price


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Requests with their tokens, and their cost in USD as batches and synchronously; None: no price."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    synchronous_usd: float | None = 0.0

    def __add__(self, other: Estimate) -> Estimate:
        """Return both together."""
        return Estimate(
            requests=self.requests + other.requests,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=_sum(self.cost_usd, other.cost_usd),
            synchronous_usd=_sum(self.synchronous_usd, other.synchronous_usd),
        )


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else added([one, other])


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot takes: what is `new` is paid for, the rest of `all` is answered or in flight.

    `changed_prompt` would be sent as well if `resend` said so. `output` says what the output is estimated by:
    a limit that the request sets, or what is expected.
    """

    new: Estimate = Estimate()
    all: Estimate = Estimate()
    changed_prompt: Estimate = Estimate()
    output: str = ""
    output_is_limit: bool = False


def estimate(price: Price | None, input_tokens: npt.ArrayLike, output_tokens: int) -> Estimate:
    """Estimate requests with so many input tokens each, and as many output tokens for every one.

    :param input_tokens: of each request.
    :param output_tokens: the same for all of them.
    :return: tokens, and USD; None for the amounts where the model has no price.
    """
    inputs = np.atleast_1d(np.asarray(input_tokens, dtype=np.int64))
    counted = Estimate(
        requests=len(inputs),
        input_tokens=int(inputs.sum()),
        output_tokens=output_tokens * len(inputs),
        cost_usd=None,
        synchronous_usd=None,
    )
    if price is None:
        return counted
    tokens = TokenColumns(input=inputs, output=output_tokens)
    batch, once = costs(price, tokens), costs(price, tokens, synchronous=True)
    return msgspec.structs.replace(
        counted, cost_usd=added([batch.sum()]), synchronous_usd=added([once.sum()])
    )


class Forecaster:
    """Adds up what a snapshot takes, batch of rows by batch of rows."""

    def __init__(self, price: Price | None, output: Expected) -> None:
        self._price, self._output = price, output
        self._new = self._all = self._changed_prompt = Estimate()

    def estimate(self, input_tokens: npt.ArrayLike) -> Estimate:
        """Estimate requests with so many input tokens each."""
        return estimate(self._price, input_tokens, self._output.tokens)

    def add(self, input_tokens: npt.NDArray[np.int64], new: npt.NDArray[np.bool_]) -> None:
        """Count requests, some of which are new."""
        self._all += self.estimate(input_tokens)
        self._new += self.estimate(input_tokens[new])

    def send_synchronously(self, input_tokens: npt.ArrayLike) -> None:
        """Add what requests that are counted already cost more synchronously than in a batch."""
        estimated = self.estimate(input_tokens)
        if estimated.cost_usd is not None and estimated.synchronous_usd is not None:
            more = Estimate(cost_usd=added([estimated.synchronous_usd, -estimated.cost_usd]))
            self._all, self._new = self._all + more, self._new + more

    def leave(self, input_tokens: npt.NDArray[np.int64]) -> None:
        """Count requests of answered rows that another prompt would ask."""
        self._changed_prompt += self.estimate(input_tokens)

    def forecast(self) -> Forecast:
        """Return all that was counted."""
        return Forecast(
            new=self._new,
            all=self._all,
            changed_prompt=self._changed_prompt,
            output=self._output.reason,
            output_is_limit=self._output.is_limit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastText:
    """A forecast for a person's eyes."""

    forecast: Forecast
    model: str

    def __str__(self) -> str:
        new, whole = self.forecast.new, self.forecast.all
        if not whole.requests:
            return "Nothing is sent, and nothing is paid."
        if not new.requests:
            return "No new requests; only requests that are sent again cost more."
        cost = "" if new.cost_usd is None else f": {self._cost(new)}"
        return f"{new.requests:,} new requests{cost}. {self.basis}"

    @property
    def basis(self) -> str:
        """Return the tokens behind the estimate, and what to do if a price is missing."""
        new, whole = self.forecast.new, self.forecast.all
        if not new.requests:
            return ""
        told = f"Estimate: {self._tokens(new)}."
        if new.cost_usd is None:
            return f"{told} The cost is unknown: {unpriced(self.model)}"
        if whole.requests > new.requests:
            told += f" All {whole.requests:,}: {self._cost(whole)}; the others are answered or in flight."
        return told

    def _tokens(self, part: Estimate) -> str:
        known = "at most" if self.forecast.output_is_limit else "an expected"
        return (
            f"about {amount(part.input_tokens)} input tokens and {known} "
            f"{amount(part.output_tokens)} output tokens ({self.forecast.output})"
        )

    def _cost(self, part: Estimate) -> str:
        if part.cost_usd is None or part.synchronous_usd is None:
            return "unknown cost"
        return f"about {usd(part.cost_usd)} ({usd(part.synchronous_usd)} without batches)"


def amount(tokens: int) -> str:
    """Write a number of tokens as short as its size allows."""
    for size, letter in ((1_000_000_000, "B"), (1_000_000, "M"), (10_000, "k")):
        if tokens >= size:
            return f"{tokens / (1_000 if letter == 'k' else size):,.1f}{letter}"
    return f"{tokens:,}"
