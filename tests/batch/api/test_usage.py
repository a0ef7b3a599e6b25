"""What a batch says that it took, whoever says it."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.answer.collect import ANSWER_SCHEMA
from airflow_provider_openai_batch.batch.api.objects import read_batch
from airflow_provider_openai_batch.batch.api.usage import NAMES, BatchUsage
from airflow_provider_openai_batch.batch.cost.prices import Long, Price, Prices
from airflow_provider_openai_batch.batch.run.unseen_usage import MOST, beyond, booked, price_of, silent

WHOLE = BatchUsage(input_tokens=90, cached_tokens=20, output_tokens=30, reasoning_tokens=10)


def told(usage: Any) -> BatchUsage | None:
    """Read a batch with this usage."""
    return read_batch(msgspec.json.encode({"id": "batch_1", "status": "completed", "usage": usage})).usage


def answers(*rows: dict[str, Any]) -> pa.Table:
    """Make answers, each of these fields."""
    filled = [{"custom_id": bytes(16), "status": "ok"} | row for row in rows]
    return pa.Table.from_pylist(filled, schema=ANSWER_SCHEMA)


@pytest.mark.parametrize(
    "usage",
    [
        {
            "input_tokens": 90,
            "input_tokens_details": {"cached_tokens": 20},
            "output_tokens": 30,
            "output_tokens_details": {"reasoning_tokens": 10},
            "total_tokens": 120,
        },
        {
            "prompt_tokens": 90,
            "prompt_tokens_details": {"cached_tokens": 20},
            "completion_tokens": 30,
            "completion_tokens_details": {"reasoning_tokens": 10},
        },
        {
            "input_tokens": "90",
            "input_tokens_details": {"cached_tokens": 20.0},
            "total_tokens": 120,
            "output_tokens_details": {"reasoning_tokens": 10},
            "cost": None,
        },
    ],
)
def test_usage_is_read_in_the_words_of_any_server(usage: dict[str, Any]) -> None:
    """The numbers are what counts, not how they are called or written."""
    assert told(usage) == WHOLE


@pytest.mark.parametrize(
    "usage",
    [
        None, {}, [], "many", 7, {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
        {"total_tokens": 120}, {"input_tokens": 90}, {"output_tokens": 30},
        {"input_tokens": None, "output_tokens": None}, {"input_tokens": -90, "output_tokens": 30},
        {"input_tokens": 90, "output_tokens": -30}, {"input_tokens": 90, "total_tokens": 20},
        {"input_tokens": 90, "output_tokens": 30, "total_tokens": 7},
        {"input_tokens": True, "output_tokens": 1},
        {"input_tokens": [90], "output_tokens": {}}, {"input_tokens": 1.5, "output_tokens": 30},
    ],
)  # fmt: skip
def test_a_usage_without_sense_says_nothing(usage: Any) -> None:
    """What is absent, nothing, of another type, or contradicts itself is not an usage, and no error."""
    assert told(usage) is None


def test_parts_are_no_more_than_the_whole() -> None:
    """Cached input is input, and reasoning is output, whatever the details say."""
    details = {"input_tokens_details": {"cached_tokens": 500}, "output_tokens_details": "none"}

    read = told({"input_tokens": 90, "output_tokens": 30} | details)

    assert read == BatchUsage(input_tokens=90, cached_tokens=90, output_tokens=30)


@pytest.mark.parametrize(
    ("usage", "more"),
    [
        ((90, 30), (60, 20)),
        ((30, 30), (0, 20)),
        ((30, 10), None),
        ((29, 10_000), None),
        ((10_000, 9), None),
        ((1, 1), None),
        ((3 * MOST + 1, 30), None),
        ((90, 3 * MOST + 1), None),
    ],
)
def test_only_what_can_be_true_is_beyond(usage: tuple[int, int], more: tuple[int, int] | None) -> None:
    """A usage below the sum of the answers, or beyond what requests can take, is one of something else."""
    seen = answers({"input_tokens": 20, "output_tokens": 10}, {"input_tokens": 10}, {"status": "missing"})
    whole = BatchUsage(input_tokens=usage[0], output_tokens=usage[1])

    found = beyond(whole, seen, 3)

    assert (found and (found.input_tokens, found.output_tokens)) == more


def test_nothing_told_is_nothing_beyond() -> None:
    """A server without usage says nothing about what ran."""
    assert beyond(None, answers({"status": "unknown"}), 1) is None


@pytest.mark.parametrize(
    ("row", "may_have_run"),
    [
        ({"status": "unknown"}, True),
        ({"status": "missing"}, True),
        ({"status": "invalid"}, True),
        ({"status": "ok"}, True),
        ({"status": "ok", "input_tokens": 0}, False),
        ({"status": "missing", "output_tokens": 3}, False),
        ({"status": "failed", "error_code": "500"}, False),
        ({"status": "error", "error_code": "400"}, False),
        ({"status": "expired"}, True),
        ({"status": "cancelled"}, True),
        ({"status": "expired", "error_code": "batch_expired"}, False),
        ({"status": "cancelled", "error_code": "batch_cancelled"}, False),
    ],
)
def test_tokens_are_booked_on_what_may_have_run(row: dict[str, Any], may_have_run: bool) -> None:
    """A line that says that nothing ran, or how many tokens did, is believed."""
    assert bool(len(silent(answers(row)))) == may_have_run


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100, 200])
def test_even_shares_add_up(count: int) -> None:
    """No token is lost or made, and a request never has more cached tokens than input."""
    table = answers({"input_tokens": 1, "output_tokens": 1}, *[{"status": "unknown"}] * count)

    made = booked(table, silent(table), WHOLE)

    rows = made.to_pylist()[1:]
    assert {name: sum(row[name] for row in rows) for name in NAMES} == msgspec.structs.asdict(WHOLE)
    assert all(row["cached_tokens"] <= row["input_tokens"] for row in rows)
    assert made.to_pylist()[0] == table.to_pylist()[0]
    assert made.schema == table.schema


def test_many_short_prompts_are_no_long_one() -> None:
    """The price of long prompts is for one of them, not for a sum."""
    price = Price(input=2, output=10, long=Long(above=100, input=2, output=1.5))
    tokens = BatchUsage(input_tokens=1_000_000, output_tokens=1_000_000)

    assert price_of(tokens, Prices(models={"m": price}), "m") == 6
    assert price_of(tokens, Prices(models={"m": price}), "m", synchronous=True) == 12
    assert price_of(tokens, Prices(), "m") is None
