"""Promises of the estimate."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_provider_openai_batch.batch.cost.estimate import (
    Estimate,
    Forecast,
    Forecaster,
    ForecastText,
    amount,
    estimate,
)
from airflow_provider_openai_batch.batch.cost.expected_output import Expected
from airflow_provider_openai_batch.batch.cost.prices import Long, Price

PRICE = Price(input=2, output=10)


def test_a_million_documents_cost_half_as_batches():
    """1,000 input and 200 output tokens each, at 2.00 and 10.00 USD per million."""
    told = estimate(PRICE, np.full(1_000_000, 1_000), 200)

    assert (told.requests, told.input_tokens, told.output_tokens) == (1_000_000, 10**9, 2 * 10**8)
    assert told.synchronous_usd == pytest.approx(4_000, abs=0.005)
    assert told.cost_usd == pytest.approx(2_000, abs=0.005)


def test_a_long_prompt_has_its_own_price():
    """Only the requests that are long, and by the rows, not by their mean."""
    price = Price(input=2, output=10, long=Long(above=272_000, input=2, output=1.5))

    assert estimate(price, [272_001, 1_000], 0).synchronous_usd == pytest.approx(
        (272_001 * 4 + 1_000 * 2) / 1e6
    )


def test_without_a_price_the_cost_is_unknown():
    """It is not 0, alone or together with others."""
    unknown = estimate(None, [10, 20], 5)

    assert (unknown.input_tokens, unknown.output_tokens) == (30, 10)
    assert (unknown.cost_usd, unknown.synchronous_usd) == (None, None)
    assert (Estimate() + unknown + estimate(PRICE, [1], 1)).cost_usd is None


def test_a_snapshot_is_added_up_part_by_part():
    """What is new is paid for; the rest is told apart."""
    forecaster = Forecaster(PRICE, Expected(tokens=5, reason="max_tokens 5", is_limit=True))
    forecaster.add(np.array([1_000_000, 10]), np.array([True, False]))
    forecaster.add(np.array([], dtype=np.int64), np.array([], dtype=bool))
    forecaster.leave(np.array([500_000]))
    told = forecaster.forecast()

    assert (told.new.requests, told.all.requests, told.changed_prompt.requests) == (1, 2, 1)
    assert told.new.cost_usd == pytest.approx(1.000025)
    assert told.changed_prompt.cost_usd == pytest.approx(0.500025)


@pytest.mark.parametrize(("price", "new"), [(PRICE, 0.000075), (None, None)])
def test_what_is_asked_at_once_costs_more(price: Price | None, new: float | None):
    """A request that is counted as one of a batch is told with what it costs at once."""
    forecaster = Forecaster(price, Expected(tokens=5, reason="max_tokens 5", is_limit=True))
    forecaster.add(np.array([0, 0]), np.array([True, True]))
    forecaster.send_synchronously([0])
    told = forecaster.forecast()

    assert told.new.cost_usd == pytest.approx(new)
    assert told.all == told.new
    assert told.new.requests == 2


NEW = estimate(PRICE, np.full(10_000, 120), 20)
WHOLE = NEW + estimate(PRICE, np.full(10_000, 120), 20)
UNKNOWN = estimate(None, np.full(10_000, 120), 20)


@pytest.mark.parametrize(
    ("forecast", "told"),
    [
        (
            Forecast(new=NEW, all=NEW, output="20 each"),
            [
                "10,000 new requests: about 2.20 USD (4.40 USD without batches).",
                "Estimate: about 1.2M input tokens and an expected 200.0k output tokens (20 each).",
            ],
        ),
        (
            Forecast(new=NEW, all=WHOLE, output="max_tokens 20", output_is_limit=True),
            [
                "and at most 200.0k output tokens (max_tokens 20).",
                "All 20,000: about 4.40 USD (8.80 USD without batches); the others are answered",
            ],
        ),
        (
            Forecast(new=UNKNOWN, all=UNKNOWN, output="max_tokens 20", output_is_limit=True),
            [
                "10,000 new requests. Estimate: ",
                "The cost is unknown: 'gpt-x' has no price here; add it",
                '{"prices": {"gpt-x": {"input": ',
            ],
        ),
        (Forecast(all=WHOLE), ["No new requests"]),
        (Forecast(), ["Nothing is sent, and nothing is paid."]),
    ],
)
def test_a_person_is_told_both_prices_and_what_they_rest_on(forecast, told):
    """An unknown price comes with the line that adds it."""
    text = str(ForecastText(forecast=forecast, model="gpt-x"))

    assert [part for part in told if part not in text] == []


@pytest.mark.parametrize(
    ("tokens", "told"),
    [(0, "0"), (9_999, "9,999"), (12_345, "12.3k"), (1_234_567, "1.2M"), (2_500_000_000, "2.5B")],
)
def test_tokens_are_told_short(tokens, told):
    """Nobody reads nine digits."""
    assert amount(tokens) == told
