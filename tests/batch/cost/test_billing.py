"""Promises of what answers have cost."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.answer.collect import ANSWER_SCHEMA
from airflow_provider_openai_batch.batch.cost.billing import bill
from airflow_provider_openai_batch.batch.cost.prices import Price, Prices, Usage, cost
from airflow_provider_openai_batch.batch.text.row_status import RowStatus

MINI = Price(input=0.25, cached_input=0.025, output=2)
PRICES = Prices(
    models={
        "gpt-5-mini": MINI,
        "gpt-5": Price(input=1.25, output=10),
        "text-embedding-3-small": Price(input=0.02, output=0),
        "omni-moderation-latest": Price(input=0, output=0),
    }
)
SCHEMA = pa.schema([*ANSWER_SCHEMA, pa.field("batch_id", pa.string())])
TOKENS = st.one_of(st.none(), st.integers(0, 2**63 - 1), st.integers(0, 500_000))


def answer(status="ok", tokens=(1_000, 0, 100), model="gpt-5-mini-2025-08-07", batch_id="batch_1"):
    inputs, cached, outputs = tokens or (None, None, None)
    return {
        "custom_id": bytes(16),
        "status": status,
        "model": model,
        "input_tokens": inputs,
        "cached_tokens": cached,
        "output_tokens": outputs,
        "batch_id": batch_id,
    }


def billed(*answers, requested="gpt-5-mini"):
    return bill(pa.Table.from_pylist(list(answers), schema=SCHEMA), PRICES, requested)


MINI_COST = (1_000 * 0.25 + 100 * 2) / 1e6


@pytest.mark.parametrize(
    ("told", "paid"),
    [
        ({}, MINI_COST / 2),
        ({"batch_id": None}, MINI_COST),
        ({"tokens": (1_000, 400, 100)}, (600 * 0.25 + 400 * 0.025 + 100 * 2) / 2e6),
        ({"tokens": (1_000, None, 100)}, MINI_COST / 2),
        ({"model": "gpt-5"}, (1_000 * 1.25 + 100 * 10) / 2e6),
        ({"model": "qwen"}, MINI_COST / 2),
        ({"model": None}, MINI_COST / 2),
        ({"status": "truncated"}, MINI_COST / 2),
        ({"status": "invalid"}, MINI_COST / 2),
        ({"status": "failed", "tokens": (1_000, 0, 100)}, MINI_COST / 2),
        *(
            ({"status": status, "tokens": None}, 0)
            for status in ("failed", "error", "expired", "cancelled", "missing")
        ),
        *(
            ({"status": status, "tokens": None}, None)
            for status in ("ok", "truncated", "refused", "invalid", "unknown")
        ),
        ({"tokens": (1_000, 0, None)}, None),
        ({"tokens": (None, None, 100)}, None),
        ({"model": "text-embedding-3-small", "tokens": (1_000, None, None)}, 1_000 * 0.02 / 2e6),
        ({"model": "omni-moderation-latest", "tokens": None}, 0),
        ({"model": "omni-moderation-latest", "tokens": (None, None, 5)}, 0),
    ],
)
def test_an_answer_costs_what_its_tokens_cost(told, paid):
    """By its own model, at the price of a batch where it was in one; unknown is not 0, and no answer is."""
    (found,) = billed(answer(**told)).paid.tolist()

    assert math.isnan(found) if paid is None else found == pytest.approx(paid, abs=1e-12)


def test_without_any_price_only_what_has_no_answer_costs_nothing():
    """A server of one's own may be free; nobody knows."""
    told = bill(pa.Table.from_pylist([answer(), answer("failed", None)], schema=SCHEMA), Prices(), "qwen")

    assert np.isnan(told.paid).tolist() == [True, False]
    assert told.total is None


def test_the_full_price_is_what_the_same_costs_at_once():
    """What was sent synchronously saves nothing."""
    told = billed(answer(), answer(batch_id=None), answer("failed", None))

    assert told.full.tolist() == pytest.approx([MINI_COST, MINI_COST, 0])
    assert (told.full - told.paid).tolist() == pytest.approx([MINI_COST / 2, 0, 0])


def test_no_answers_cost_nothing():
    """A send may end with none."""
    assert billed().total == 0


def test_each_answer_may_name_another_model():
    """Servers put what they like there."""
    told = billed(*(answer(model=f"model-{number}") for number in range(3_000)))

    assert told.total == pytest.approx(3_000 * MINI_COST / 2)


@given(
    st.lists(st.tuples(st.sampled_from(list(RowStatus)), st.tuples(TOKENS, TOKENS, TOKENS), st.booleans()))
)
def test_all_answers_cost_what_each_one_costs(told):
    """Whatever a server says, in whatever mix, and no number is too large."""
    rows = [
        answer(str(status), tokens, "gpt-5", "b" if batched else None) for status, tokens, batched in told
    ]

    paid = billed(*rows).paid.tolist()

    for row, found in zip(rows, paid, strict=True):
        if None not in (row["input_tokens"], row["output_tokens"]):
            usage = Usage(
                input_tokens=row["input_tokens"],
                cached_tokens=row["cached_tokens"] or 0,
                output_tokens=row["output_tokens"],
            )
            expected = cost(PRICES.models["gpt-5"], usage, synchronous=row["batch_id"] is None)
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
