"""What ran unseen: a batch's usage beside the sum of its answers."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from airflow_provider_openai_batch.batch.api.objects import Created
from airflow_provider_openai_batch.batch.cost.prices import Price, Prices, Usage, cost
from airflow_provider_openai_batch.batch.report.report_values import Report
from airflow_provider_openai_batch.steps.run_folder.file_names import batch_file
from airflow_provider_openai_batch.steps.run_folder.read import read_run

if TYPE_CHECKING:
    from tests.steps.conftest import Pipeline

MINI = Price(input=0.25, output=2)


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    """Ten tickets, asked of a model that has a price, once, and landed whatever comes of it."""
    pipeline.client.prices = Prices(models={"gpt-5-mini": MINI})
    pipeline.limits = {"max_attempts": 1, "max_failed_ratio": 1.0}
    return pipeline


def owed(pipeline: Pipeline) -> float:
    """Return what the server would charge for all that it ran."""
    return math.fsum(
        cost(MINI, Usage(input_tokens=entry.input_tokens, output_tokens=entry.output_tokens))
        for entry in pipeline.emulator.ledger
    )


def costs(pipeline: Pipeline) -> list[float | None]:
    return [amount for _, amount in pipeline.table("id, batch_cost_usd")]


def unseen(pipeline: Pipeline) -> list[Any]:
    """Return what was noted of each send."""
    return [send.tally.unseen for send in read_run(pipeline.store).sends if send.tally]


def report(pipeline: Pipeline) -> tuple[Report, str]:
    """Read the report of the load, and its page."""
    name = next(name for name in pipeline.store.list() if name.endswith("report.json"))
    with pipeline.store.open(name.replace(".json", ".html")) as file:
        page = file.read().decode()
    return pipeline.store.get(name, Report), page


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("missing_lines", {"share": 0.4}),
        ("missing_lines", {"share": 1}),
        ("malformed_lines", {"share": 0.4}),
        ("success_without_body", {"share": 0.4}),
        ("success_without_body", {"share": 1}),
    ],
)
def test_what_ran_unseen_is_in_the_cost(pipeline: Pipeline, fault: str, options: dict[str, Any]) -> None:
    """Requests that ran, and whose tokens no line tells, are paid for: the rows add up to the bill."""
    pipeline.emulator.fault(fault, **options)

    loaded = pipeline.run()

    assert loaded.cost_usd == pytest.approx(owed(pipeline), abs=1e-9)
    assert math.fsum(amount or 0.0 for amount in costs(pipeline)) == pytest.approx(owed(pipeline), abs=1e-9)
    assert None not in costs(pipeline)


def test_answers_whose_file_is_gone_have_their_price(pipeline: Pipeline) -> None:
    """`unknown` rows of a batch that says what it took are booked in even shares."""
    pipeline.emulator.fault("not_found", route="content", times=None)

    loaded = pipeline.run()

    assert pipeline.statuses() == {"unknown": 10}
    assert loaded.cost_usd == pytest.approx(owed(pipeline), abs=1e-9)
    assert max(costs(pipeline)) - min(costs(pipeline)) < 1e-5  # type: ignore[operator,type-var]
    assert "with an unknown outcome" not in str(loaded)


def test_all_say_what_ran_unseen(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    """The facts, the log of wait, the log of load, and the report say it in one voice."""
    caplog.set_level(logging.INFO)
    pipeline.emulator.fault("missing_lines", share=0.4)

    loaded = pipeline.run()

    (found,) = unseen(pipeline)
    assert found is not None
    lost = [entry for entry in pipeline.emulator.ledger if entry.custom_id in missing(pipeline)]
    assert found.requests == len(lost) > 0
    assert found.tokens.input_tokens == sum(entry.input_tokens for entry in lost)
    assert found.tokens.output_tokens == sum(entry.output_tokens for entry in lost)
    words = f"{found.tokens.input_tokens:,} input and {found.tokens.output_tokens:,} output tokens more than"
    assert f"it used {words} its answers report; these are shared evenly by the {len(lost)}" in caplog.text
    assert f"The batches used {words} their answers report, which cost " in str(loaded)
    told, page = report(pipeline)
    assert (told.unseen.input, told.unseen.output) == (found.tokens.input_tokens, found.tokens.output_tokens)
    assert told.unseen_usd == pytest.approx(found.cost_usd)
    assert told.cost_usd == pytest.approx(owed(pipeline), abs=1e-9)
    assert "unseen" in page


def missing(pipeline: Pipeline) -> set[str]:
    """Return the requests that no line tells of."""
    rows = pipeline.table("id, batch_custom_id, batch_status")
    return {custom_id for _, custom_id, status in rows if status == "missing"}


def test_what_ran_twice_is_in_the_cost_of_the_run(pipeline: Pipeline) -> None:
    """Where each answer tells its tokens, what is beyond is on no row, and in the sum all the same."""
    pipeline.emulator.fault("wrong_usage", factor=3)

    loaded = pipeline.run()

    (found,) = unseen(pipeline)
    rows = math.fsum(amount or 0.0 for amount in costs(pipeline))
    assert found.requests == 0
    assert rows == pytest.approx(owed(pipeline), abs=1e-9)
    assert loaded.cost_usd == pytest.approx(3 * owed(pipeline), abs=1e-8)
    assert loaded.saved_usd == pytest.approx(loaded.cost_usd, abs=1e-8)
    assert "no row needs any more" not in str(loaded)


@pytest.mark.parametrize(
    ("fault", "options"), [("no_usage", {}), ("wrong_usage", {"factor": 0.5}), ("wrong_usage", {"factor": 0})]
)
def test_a_usage_that_cannot_be_true_says_nothing(
    pipeline: Pipeline, fault: str, options: dict[str, Any]
) -> None:
    """Absent, zero, or less than the answers: the answers alone count."""
    pipeline.emulator.fault(fault, **options)
    pipeline.emulator.fault("missing_lines", share=0.1)

    loaded = pipeline.run()

    assert unseen(pipeline) == [None]
    assert loaded.cost_usd == pytest.approx(math.fsum(amount or 0.0 for amount in costs(pipeline)))
    assert "more than their answers report" not in str(loaded)
    told, page = report(pipeline)
    assert (told.unseen.input, told.unseen.output) == (0, 0)
    assert "Unseen" not in page


def test_usage_that_comes_late_counts(pipeline: Pipeline) -> None:
    """A server that counts the tokens only after the end of a batch is believed while lines are awaited."""
    pipeline.emulator.fault("no_usage", seconds=1_000)
    pipeline.emulator.fault("missing_lines", share=0.4)

    loaded = pipeline.run()

    assert loaded.cost_usd == pytest.approx(owed(pipeline), abs=1e-9)


def test_an_answered_request_has_cost_its_lost_try_too(pipeline: Pipeline) -> None:
    """What ran unseen and was asked again was paid twice: the row says so."""
    pipeline.limits = {"max_attempts": 2}
    pipeline.emulator.fault("missing_lines", share=0.4, times=1)

    loaded = pipeline.run()

    assert pipeline.statuses() == {"ok": 10}
    assert len(list(pipeline.emulator.ledger)) > 10
    assert loaded.cost_usd == pytest.approx(owed(pipeline), abs=1e-9)
    assert math.fsum(amount or 0.0 for amount in costs(pipeline)) == pytest.approx(owed(pipeline), abs=1e-9)


@pytest.mark.parametrize("end", ["expire", "cancel"])
def test_batches_that_end_early_tell_what_ran(pipeline: Pipeline, end: str) -> None:
    """Of an expired or cancelled batch a request without any line may have run; one that says so did not."""
    pipeline.emulator.fault(end, share=0.5)
    pipeline.emulator.fault("missing_lines", share=0.5)

    loaded = pipeline.run()

    assert loaded.cost_usd == pytest.approx(owed(pipeline), abs=1e-9)


def test_a_price_that_is_unknown_stays_unknown(pipeline: Pipeline) -> None:
    """Without a price the tokens are told, and no amount."""
    pipeline.client.prices = Prices()
    pipeline.emulator.fault("missing_lines", share=0.4)

    loaded = pipeline.run()

    assert loaded.cost_usd is None
    assert "output tokens more than their answers report." in str(loaded)


def test_the_cap_counts_what_ran_unseen(pipeline: Pipeline) -> None:
    """A run whose lines are lost pays for them, so its cap is reached by what the server ran."""
    pipeline.limits = {"max_attempts": 50, "max_failed_ratio": 1.0, "max_cost_usd": 0.01}
    pipeline.output_type = None
    pipeline.emulator.fault("missing_lines", share=1)

    pipeline.submit()
    pipeline.wait(days=1)

    spent = owed(pipeline)
    assert spent > 0
    assert msgspec.json.encode(unseen(pipeline)) != b"[null]"
    assert spent <= 0.01 * 1.5


def test_a_twin_is_paid_for(pipeline: Pipeline) -> None:
    """Two batches of one file give each request two answers: the second one is on no row, and in the sum."""
    pipeline.submit()
    (send,) = read_run(pipeline.store).sends
    twin = pipeline.client.create(send.intent.file_id, "/v1/chat/completions", {})
    assert isinstance(twin, Created)
    pipeline.store.put(batch_file(send.folder, twin.batch.id), twin.batch)

    pipeline.wait()
    loaded = pipeline.load()

    assert len(list(pipeline.emulator.ledger)) == 20
    assert loaded.cost_usd == pytest.approx(owed(pipeline), abs=1e-9)


def test_status_and_sends_have_it_too(pipeline: Pipeline) -> None:
    """What a person asks of a run, and the report's list of sends, contain what ran beside whole answers."""
    pipeline.emulator.fault("wrong_usage", factor=2)

    loaded = pipeline.run()

    ((told, _), run) = report(pipeline), read_run(pipeline.store)
    (spent,) = (send.cost_usd for shard in told.shards for send in shard.sends)
    assert spent == pytest.approx(loaded.cost_usd, abs=1e-9)
    assert [send.tally.paid_usd for send in run.sends if send.tally] == [spent]
