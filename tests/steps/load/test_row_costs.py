"""What a run has paid: each row shows its request's cost, and the rows add up to the run."""

from __future__ import annotations

import logging
import math
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.answer.best_answer import best_answers, rank_answers
from airflow_provider_openai_batch.batch.cost.billing import bill
from airflow_provider_openai_batch.batch.cost.prices import Long, Price, Prices, Usage, cost
from airflow_provider_openai_batch.batch.run.run import Run
from airflow_provider_openai_batch.steps.load.result import COLUMNS
from airflow_provider_openai_batch.steps.load.row_costs import Payments, add_up
from airflow_provider_openai_batch.steps.run_folder.read import read_run

MINI = Price(input=0.25, cached_input=0.025, output=2)
PRICES = Prices(models={"gpt-5-mini": MINI})


@pytest.fixture
def pipeline(pipeline: Any) -> Any:
    """Ten tickets, asked of a model that has a price."""
    pipeline.client.prices = PRICES
    return pipeline


def owed(pipeline: Any) -> float:
    """Return what the server would charge for all that it answered."""
    return sum(
        cost(
            MINI,
            Usage(input_tokens=entry.input_tokens, output_tokens=entry.output_tokens),
            synchronous=entry.batch_id is None,
        )
        for entry in pipeline.emulator.ledger
        if entry.status == 200
    )


def booked(pipeline: Any) -> list[float | None]:
    """Return the costs of the rows."""
    return [amount for _, amount in pipeline.table("id, batch_cost_usd")]


def tallied(pipeline: Any) -> list[float | None]:
    """Return what was noted of each send."""
    return [send.tally.cost_usd for send in read_run(pipeline.store).sends if send.tally]


def all_agree(pipeline: Any, loaded: Any) -> bool:
    """Tell whether rows, sends, load, and server agree."""
    sums = [math.fsum(booked(pipeline)), math.fsum(tallied(pipeline)), loaded.cost_usd]
    return sums == pytest.approx([owed(pipeline)] * 3, abs=1e-9)


def test_rows_cost_what_was_paid_for_them(pipeline: Any) -> None:
    """Half of what the same costs at once; that is told in the log and the XCom."""
    loaded = pipeline.run()

    assert all_agree(pipeline, loaded)
    assert min(booked(pipeline)) > 0
    assert loaded.saved_usd == pytest.approx(loaded.cost_usd)
    assert (loaded.summary()["cost_usd"], loaded.summary()["saved_usd"]) == (
        loaded.cost_usd,
        loaded.saved_usd,
    )
    assert re.search(r"\nCost: 0\.0\d+ USD \(0\.0\d+ USD without batches, 0\.0\d+ USD saved\)\.", str(loaded))


def test_equal_rows_cost_nothing_more(pipeline: Any) -> None:
    """What they share is paid once, and stands on the first of them."""
    pipeline.fill([(n, f"ticket {n // 5}") for n in range(10)])

    loaded = pipeline.run()

    assert [amount == 0 for amount in booked(pipeline)] == [False, *[True] * 4] * 2
    assert all_agree(pipeline, loaded)


@pytest.mark.parametrize(
    ("fault", "options", "free"),
    [
        ("fail_requests", {"share": 0.3, "status": 400, "permanent": True}, "error"),
        ("expire", {"share": 0.7}, "expired"),
        ("cancel", {"share": 0.7}, "cancelled"),
        ("fail_all", {"status": 500}, "failed"),
    ],
)
def test_what_has_no_answer_cost_nothing(
    pipeline: Any, fault: str, options: dict[str, Any], free: str
) -> None:
    """However often it was asked; what was answered before counts."""
    pipeline.limits = {"max_failed_ratio": 1, "max_attempts": 2}
    pipeline.emulator.fault(fault, **options)

    loaded = pipeline.run()

    rows = pipeline.table("id, batch_status, batch_cost_usd")
    assert loaded.counts[free] > 0
    assert {amount for _, status, amount in rows if status == free} == {0.0}
    assert all_agree(pipeline, loaded)


def test_what_fails_at_first_is_paid_when_it_is_answered(pipeline: Any) -> None:
    """A second attempt adds nothing for the first."""
    pipeline.emulator.fault("fail_requests", share=0.4, status=500, times=1)

    assert all_agree(pipeline, pipeline.run())


def test_each_answer_of_a_question_that_is_put_again_is_paid(pipeline: Any) -> None:
    """The row shows the sum, whichever answer stands."""
    pipeline.limits = {"reask_invalid": 1}
    pipeline.emulator.fault("misfit", share=0.5, times=1)

    loaded = pipeline.run()

    asked_twice = [attempt == 2 for _, attempt in pipeline.table("id, batch_attempt")]
    dear = [amount for amount, twice in zip(booked(pipeline), asked_twice, strict=True) if twice]
    cheap = [amount for amount, twice in zip(booked(pipeline), asked_twice, strict=True) if not twice]
    assert min(dear) > max(cheap)
    assert all_agree(pipeline, loaded)


def test_a_question_that_got_lost_the_second_time_is_counted(pipeline: Any) -> None:
    """The first answer stands and was paid for; what the second one cost is unknown, and is said."""
    pipeline.limits = {"reask_invalid": 1, "max_failed_ratio": 1}
    pipeline.emulator.fault("misfit", share=1, times=1)
    pipeline.submit()
    pipeline.emulator.advance(700)
    pipeline.advance()
    pipeline.emulator.fault("vanished")
    pipeline.wait()

    loaded = pipeline.load()

    assert loaded.counts == {"invalid": 10}
    assert math.fsum(booked(pipeline)) == pytest.approx(loaded.cost_usd) == pytest.approx(owed(pipeline) / 2)
    assert "Not included: 10 requests with an unknown outcome." in str(loaded)


def test_the_preflight_is_paid_at_the_full_price(pipeline: Any) -> None:
    """It was sent synchronously, and saves nothing."""
    pipeline.limits = {"preflight": True}

    loaded = pipeline.run()

    assert [entry.batch_id for entry in pipeline.emulator.ledger].count(None) == 1
    assert all_agree(pipeline, loaded)
    assert 0 < loaded.saved_usd < loaded.cost_usd


def test_a_clear_pays_for_nothing_twice_and_forgets_nothing(pipeline: Any) -> None:
    """Answers of an earlier epoch were paid by this run, too."""
    pipeline.emulator.fault("cancel", share=0.7, times=1)
    before = pipeline.run().cost_usd
    pipeline.submit(max_tries=1)
    pipeline.wait()

    loaded = pipeline.load()

    assert loaded.cost_usd > before
    assert all_agree(pipeline, loaded)


def test_what_no_row_asks_any_more_is_told_apart(pipeline: Any) -> None:
    """A changed prompt asks anew; what the old one cost is in no row, but it is said."""
    before = pipeline.run().cost_usd
    pipeline.prompt = "Sort: {body}"
    pipeline.submit(max_tries=1)
    pipeline.wait()

    loaded = pipeline.load()

    assert math.fsum(booked(pipeline)) == pytest.approx(loaded.cost_usd)
    assert loaded.cost_usd + before == pytest.approx(owed(pipeline))
    assert "Earlier requests of this run that no row needs any more cost 0.0" in str(loaded)


def test_an_unknown_price_is_unknown(pipeline: Any) -> None:
    """Neither rows nor run say 0, and the log has the line to add."""
    pipeline.client.prices = Prices()

    loaded = pipeline.run()

    assert set(booked(pipeline)) == {None}
    assert (loaded.cost_usd, loaded.saved_usd, tallied(pipeline)) == (None, None, [None])
    assert "The cost is unknown: 'gpt-5-mini' has no price here; add it" in str(loaded)


def test_the_estimate_is_told_before_anything_is_sent(
    pipeline: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log with both prices, in the XCom, and with each shard; known requests are not paid again."""
    caplog.set_level(logging.INFO)
    staged = pipeline.stage()

    assert "10 rows, 10 new requests in 1 batch; about 0.0" in str(staged)
    assert "\nEstimate: about " in str(staged)
    told = staged.summary()
    assert told["estimated_cost_usd"] == pytest.approx(staged.estimated_cost_usd)
    assert told["estimated_synchronous_usd"] == pytest.approx(2 * staged.estimated_cost_usd)
    shards = read_run(pipeline.store).shards
    assert math.fsum(shard.about.cost_usd for shard in shards) == pytest.approx(staged.estimated_cost_usd)
    pipeline.advance(staged.attempt)
    pipeline.fill([(n, f"ticket {n}") for n in range(12)])
    again = pipeline.stage(max_tries=1)
    assert "2 new requests in 1 batch" in str(again)
    assert "All 12: about " in str(again)
    assert again.estimated_cost_usd == pytest.approx(staged.estimated_cost_usd / 5, rel=0.1)


def test_without_a_price_the_estimate_names_the_line_to_add(pipeline: Any) -> None:
    """Its tokens are known all the same."""
    pipeline.client.prices = Prices()
    staged = pipeline.stage()

    told = staged.summary()
    assert [None, None] == [told["estimated_cost_usd"], told["estimated_synchronous_usd"]]
    assert staged.estimated_tokens > 0
    assert '{"prices": {"gpt-5-mini": {"input"' in str(staged)
    assert [shard.about.cost_usd for shard in read_run(pipeline.store).shards] == [None]


STATUSES = st.sampled_from(["ok", "invalid", "truncated", "failed", "missing", "unknown", "error"])
NO_TOKENS = {"failed", "missing", "unknown", "error"}
LONG = Price(input=1, output=4, long=Long(above=5_000, input=2, output=1.5))
MANY = PRICES.under({"gpt-5": LONG})
#: The last one answers in the place of the one that was asked, whose price it then has.
MODELS = st.sampled_from(["gpt-5-mini", "gpt-5", "gpt-5-2025-08-07", "a deployment"])
Answer = tuple[int, str, int, bool, str]
ANSWERS = st.lists(
    st.tuples(st.integers(0, 5), STATUSES, st.integers(0, 9_999), st.booleans(), MODELS), min_size=1
)


def table_of(answers: list[Answer]) -> pa.Table:
    """Make answers to these requests; one that failed took nothing."""
    rows = [
        {
            "custom_id": bytes([number]) * 16,
            "status": status,
            "model": model,
            "input_tokens": None if status in NO_TOKENS else tokens,
            "cached_tokens": None if status in NO_TOKENS else tokens // 3,
            "output_tokens": None if status in NO_TOKENS else tokens // 7,
            "batch_id": "batch" if batched else None,
        }
        for number, status, tokens, batched, model in answers
    ]
    return pa.Table.from_pylist(rows, schema=COLUMNS)


def charge(answer: Answer) -> float:
    """Price one answer as an invoice would."""
    _, status, tokens, batched, model = answer
    if status in NO_TOKENS:
        return 0.0
    usage = Usage(input_tokens=tokens, cached_tokens=tokens // 3, output_tokens=tokens // 7)
    return cost(
        LONG if model.startswith("gpt-5") and "mini" not in model else MINI, usage, synchronous=not batched
    )


def best_of(answers: list[Answer]) -> dict[int, int]:
    """Choose the answer that each request lands with, as a load does."""
    ids = np.array([bytes([number]) * 16 for number, *_ in answers], dtype="S16")
    ranks = [rank_answers(pa.array([status]), place)[0] for place, (_, status, *_) in enumerate(answers)]
    return {answers[place][0]: place for place in best_answers(ids, np.array(ranks)).positions.tolist()}


@given(ANSWERS, st.lists(st.integers(0, 5), max_size=20))
def test_the_rows_add_up_to_the_run(answers: list[Answer], rows: list[int]) -> None:
    """In whatever order and however often requests are answered: none is left out or doubled.

    A request with an unknown outcome is NULL in its row, unless the request has an answer, and is counted.
    """
    places = best_of(answers)
    best = {number: table_of([answers[place]]) for number, place in places.items()}
    rest = [table_of([one]) for place, one in enumerate(answers) if place not in places.values()]
    payments = Payments(MANY, "gpt-5-mini", add_up(rest, MANY, "gpt-5-mini"))
    asked = [row for row in rows if row in best] or list(best)
    asked += [number for number in best if number not in asked]

    column = []
    for start in range(0, len(asked), 7):
        block = asked[start : start + 7]
        first = pa.array([asked.index(row) == start + place for place, row in enumerate(block)])
        ids = np.array([bytes([row]) * 16 for row in block], dtype="S16")
        column += payments.book(ids, first, pa.concat_tables([best[row] for row in block])).to_pylist()

    paid = payments.paid(Run())
    firsts = [asked.index(row) == place for place, row in enumerate(asked)]
    nulls = [answers[places[row]][1] == "unknown" and first for row, first in zip(asked, firsts, strict=True)]
    assert [amount is None for amount in column] == nulls
    assert math.fsum(filter(None, column)) == pytest.approx(paid.cost_usd, abs=1e-12)
    assert paid.cost_usd == pytest.approx(math.fsum(map(charge, answers)), abs=1e-9)
    assert paid.unseen == len({number for number, status, *_ in answers if status == "unknown"})


@given(ANSWERS, st.sampled_from(["ok", "invalid", "unknown"]))
def test_an_unknown_price_is_never_zero(answers: list[Answer], status: str) -> None:
    """One answer of a model without a price makes the run's cost unknown, and its row's NULL."""
    strange = (6, status, 7, True, "a stranger")
    table = table_of([*answers, strange])

    amounts = bill(table, PRICES, "another stranger")
    payments = Payments(PRICES, "another stranger", add_up([], PRICES, "another stranger"))
    ids = np.array([bytes([6]) * 16], dtype="S16")

    assert math.isnan(amounts.paid[-1])
    assert amounts.total is None
    assert payments.book(ids, pa.array([True]), table_of([strange])).to_pylist() == [None]
    assert payments.paid(Run()).cost_usd == (0 if status == "unknown" else None)
