"""Promises of the prices."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch.batch.cost.prices import (
    Long,
    Price,
    Prices,
    Usage,
    added,
    cost,
    read_prices,
    unpriced,
)
from airflow_provider_openai_batch.exceptions import InvalidRequest

MINI = Price(input=0.25, cached_input=0.025, output=2)
TUNED = Price(input=0.8, output=3.2)
LISTED = Prices(models={"gpt-5-mini": MINI, "ft:gpt-4.1-mini-2025-04-14": TUNED})


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("gpt-5-mini", MINI),
        ("gpt-5-mini-2025-08-07", MINI),
        ("gpt-5-minimax", None),
        ("gpt-5-mini-audio", None),
        ("gpt-5-mini-audio-2025-08-07", None),
        ("gpt-5-mini-2025-08-07-audio", None),
        ("gpt-5", None),
        ("GPT-5-mini", None),
        ("", None),
        ("ft:gpt-4.1-mini-2025-04-14", TUNED),
        ("ft:gpt-4.1-mini-2025-04-14:acme:tickets:9f1c", TUNED),
        ("ft:gpt-5-mini:acme::1", None),
    ],
)
def test_a_model_has_its_own_price_or_none(model, price):
    """A dated snapshot costs what its model costs; a name that only begins alike is another model."""
    assert LISTED.find(model) is price


def test_a_snapshot_of_its_own_price_keeps_it():
    """What is listed by its whole name is not taken for its model."""
    old = Price(input=5, output=15)
    listed = Prices(models={"gpt-4o": MINI, "gpt-4o-2024-05-13": old})

    assert listed.find("gpt-4o-2024-05-13") is old
    assert listed.find("gpt-4o-2024-11-20") is MINI


def test_the_answering_model_counts_and_else_the_requested_one():
    """A server may call its model by a name that has no price."""
    assert LISTED.find_any("qwen", "gpt-5-mini") is MINI
    assert LISTED.find_any(None, "gpt-5-mini") is MINI
    assert LISTED.find_any(None, "qwen") is None


def test_a_later_price_is_over_an_earlier_one_model_by_model():
    """What is given anew for one model leaves the others."""
    prices = LISTED.under({"gpt-5-mini": TUNED})

    assert prices.find("gpt-5-mini-2025-08-07") is TUNED
    assert prices.find("ft:gpt-4.1-mini-2025-04-14") is TUNED
    assert LISTED.find("gpt-5-mini") is MINI


LONG = Long(above=272_000, input=2, output=1.5)


@pytest.mark.parametrize(
    ("price", "usage", "batch", "synchronous"),
    [
        (Price(input=2, output=10), (1_000_000, 0, 200_000), 2.0, 4.0),
        (Price(input=2, cached_input=0.2, output=10), (1_000_000, 400_000, 0), 0.64, 1.28),
        (Price(input=2, output=10), (1_000_000, 400_000, 0), 1.0, 2.0),
        (Price(input=2, cached_input=0.2, output=10), (100, 900, 0), 0.00001, 0.00002),
        (Price(input=2, output=10, batch=1), (1_000_000, 0, 0), 2.0, 2.0),
        (Price(input=2, output=10, long=LONG), (272_000, 0, 1_000_000), 5.272, 10.544),
        (Price(input=2, output=10, long=LONG), (272_001, 0, 1_000_000), 8.044002, 16.088004),
        (Price(input=2, cached_input=0.2, output=10, long=LONG), (300_000, 300_000, 0), 0.06, 0.12),
        (Price(input=0.02, output=0), (1_000, 0, 0), 0.00001, 0.00002),
        (Price(input=0, output=0), (1_000, 0, 0), 0.0, 0.0),
        (MINI, (0, 0, 0), 0.0, 0.0),
        (Price(input=0.05, cached_input=0.005, output=0.4), (1, 1, 0), 0.0000000025, 0.000000005),
    ],
)
def test_a_request_costs_what_its_tokens_cost(price, usage, batch, synchronous):
    """Cached input and long prompts have prices of their own; a batch costs a part of all."""
    told = Usage(input_tokens=usage[0], cached_tokens=usage[1], output_tokens=usage[2])

    assert cost(price, told) == batch
    assert cost(price, told, synchronous=True) == synchronous


def test_prices_are_read_as_a_person_writes_them():
    """A text names a listed model: a deployment costs what its model costs."""
    given = {
        "mine": {"input": 1, "output": 2},
        "deployment": "gpt-5-mini",
        "long": {"input": 1, "output": 2, "batch": 0.4, "long": {"above": 9, "input": 2, "output": 1.5}},
    }

    assert read_prices(given, "extra", LISTED) == {
        "mine": Price(input=1, output=2),
        "deployment": MINI,
        "long": Price(input=1, output=2, batch=0.4, long=Long(above=9, input=2, output=1.5)),
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], r"The file is not a JSON object of prices by model; write it like \{"),
        (
            {"m": {"input": 1}},
            r"gives 'm' the price \{'input': 1\}: .* missing required field `output`; write",
        ),
        ({"m": {"input": -1, "output": 1}}, r"`float` >= 0.*\$\.input.*USD per 1M tokens"),
        ({"m": {"input": "1", "output": 1}}, "Expected `float`, got `str`"),
        ({"m": {"input": 1, "output": 1, "cache": 1}}, "unknown field `cache`"),
        ({"m": 3}, "gives 'm' the price 3: Expected `object`"),
        ({"m": "qwen"}, "gives 'm' the price of 'qwen', which has none; write it as \"m\": {"),
        ({"m": {"input": float("nan"), "output": 1}}, "gives 'm' the price"),
    ],
)
def test_a_price_that_is_none_is_refused_with_what_to_write(given, message):
    """Nobody has to look up the form."""
    with pytest.raises(InvalidRequest, match=message):
        read_prices(given, "The file", LISTED)


def test_a_model_without_a_price_is_told_with_the_line_to_add():
    """The line can be copied as it is."""
    told = unpriced("my-model")

    assert '{"prices": {"my-model": {"input": 0.25, "cached_input": 0.025, "output": 2}}}' in told


def test_sums_have_no_noise_of_binary_fractions():
    """Ten cents and twenty cents are thirty cents, wherever a sum is read."""
    assert added([0.1, 0.2, 1.25e-08]) == 0.3000000125
