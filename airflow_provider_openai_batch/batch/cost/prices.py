"""What tokens cost: prices by model, as shipped and as a deployment or a connection says."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np

from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

Amount = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
PER_TOKENS = 1_000_000
MOST_SHOWN = 120
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
FINE_TUNED = re.compile(r"(ft:[^:]+):.*", re.DOTALL)
DIGITS = 12  #: of a cost in USD: the cheapest token there is costs more than a thousand of the last


class Long(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What prices are multiplied by for a prompt of more than `above` input tokens."""

    above: Annotated[int, msgspec.Meta(gt=0)]
    input: Amount
    output: Amount


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """USD per 1M tokens of a synchronous request; `batch` is the part of it that a batch costs.

    Input that the API had in its cache costs `cached_input`; without one, as other input.
    """

    input: Amount
    output: Amount  #: 0 where a model gives none, as those of embeddings
    cached_input: Amount | None = None
    batch: Amount = 0.5
    long: Long | None = None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of a request: `cached_tokens` are part of the input, those of reasoning part of the output."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenColumns:
    """Tokens of many requests, one number for each, or one for all; the cached ones are part of the input."""

    input: ArrayLike
    output: ArrayLike
    cached: ArrayLike = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices by model; a model that is not listed has no price, which is not a price of 0.

    USD for a million tokens, as OpenAI's price page has them; `Price.batch` is the part of it that a
    batch costs.
    """

    models: Mapping[str, Price] = field(default_factory=dict)

    def find(self, model: str) -> Price | None:
        """Return the price of a model; a dated snapshot that is not listed has that of its model."""
        tuned = FINE_TUNED.sub(r"\1", model)  # ft:<model>:<organization>:<name>:<id>
        for name in (model, tuned, DATED.sub("", tuned)):
            if name in self.models:
                return self.models[name]
        return None

    def find_any(self, *models: str | None) -> Price | None:
        """Return the price of the first of these models that has one."""
        found = (self.find(model) for model in models if model)
        return next((price for price in found if price is not None), None)

    def under(self, given: Mapping[str, Price]) -> Prices:
        """Return these prices, and over them, model by model, those that are given."""
        return Prices(models={**self.models, **given})


def read_prices(value: object, called: str, listed: Prices) -> dict[str, Price]:
    """Check prices by model that a person wrote; a text names a listed model that costs the same.

    :param called: where they stand, for errors.
    """
    if not isinstance(value, Mapping):
        raise InvalidRequest(
            f"{called} is not a JSON object of prices by model; write it like {{{_line('gpt-5-mini')}}}."
        )
    return {str(name): _read(name, price, called, listed) for name, price in value.items()}


def _read(name: str, value: object, called: str, listed: Prices) -> Price:
    if isinstance(value, str):
        price = listed.find(value)
        if price is None:
            raise InvalidRequest(
                f"{called} gives {name!r} the price of {value!r}, which has none; write it as {_line(name)}."
            )
        return price
    try:
        return msgspec.convert(value, Price)
    except msgspec.ValidationError as error:
        raise InvalidRequest(
            f"{called} gives {name!r} the price {_short(value)}: {str(error).removesuffix('.')}; "
            f"write it like {_line(name)}, in USD per 1M tokens of a synchronous request."
        ) from error


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _line(model: str) -> str:
    return f'{msgspec.json.encode(model).decode()}: {{"input": 0.25, "cached_input": 0.025, "output": 2}}'


def unpriced(model: str) -> str:
    """Say that a model has no price here, and what to write where."""
    return (
        f"{model!r} has no price here; add it in USD per 1M tokens of a synchronous request, such as "
        f'{{"prices": {{{_line(model)}}}}}, to the connection\'s extra (docs/cost.md).'
    )


def cost(price: Price, usage: Usage, *, synchronous: bool = False) -> float:
    """Return what a request costs in USD, in a batch or synchronously."""
    tokens = TokenColumns(input=usage.input_tokens, cached=usage.cached_tokens, output=usage.output_tokens)
    return float(costs(price, tokens, synchronous=synchronous))


def costs(price: Price, tokens: TokenColumns, *, synchronous: bool = False) -> NDArray[np.float64]:
    """Return what many requests cost in USD.

    A long prompt multiplies its whole price, as OpenAI bills it; cached tokens have a price of their own.
    An unknown number is NaN, and so is its cost.

    :return: USD, one for each request, rounded to 12 digits.
    """
    inputs, outputs = (np.asarray(part, dtype=np.float64) for part in (tokens.input, tokens.output))
    cached = np.minimum(np.asarray(tokens.cached, dtype=np.float64), inputs)
    per_cached = price.input if price.cached_input is None else price.cached_input
    for_input = (inputs - cached) * price.input + cached * per_cached
    for_output = outputs * price.output
    if price.long is not None:
        is_long = inputs > price.long.above
        for_input = for_input * np.where(is_long, price.long.input, 1.0)
        for_output = for_output * np.where(is_long, price.long.output, 1.0)
    part = 1.0 if synchronous else price.batch
    total: NDArray[np.float64] = np.round((for_input + for_output) * part / PER_TOKENS, DIGITS)
    return total


def added(amounts: Iterable[float]) -> float:
    """Add costs up, without the noise of binary fractions."""
    return round(math.fsum(amounts), DIGITS)
