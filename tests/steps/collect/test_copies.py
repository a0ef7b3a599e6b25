"""Files of answers that are not what they seem: growing, contradictory, miscounted, or swapped."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.cost.prices import Price, Prices, Usage, cost

if TYPE_CHECKING:
    from tests.steps.conftest import Pipeline

ALL_OK = {"ok": 10}
MINI = Price(input=0.25, output=2)


@pytest.mark.parametrize(
    "growth",
    [
        {"share": 0.5, "lag": 120},
        {"share": 0.0, "lag": 300},
        {"share": 0.1, "lag": 900, "steps": 5},
        {"share": 0.9, "lag": 1_700},
    ],
)
@pytest.mark.parametrize("dress", [None, "null_counts", "body_as_string"])
def test_a_file_that_grows_is_copied_again(
    pipeline: Pipeline, growth: dict[str, Any], dress: str | None
) -> None:
    """The first copy of a file is no more than what the server had written by then."""
    pipeline.emulator.fault("output_grows", **growth)
    if dress:
        pipeline.emulator.fault(dress)

    pipeline.run()

    assert pipeline.statuses() == ALL_OK
    assert pipeline.times_executed == [1] * 10


def test_error_file_that_grows_is_copied_again(pipeline: Pipeline) -> None:
    """Failures that are not in the file yet are no missing requests."""
    pipeline.emulator.fault("output_grows", share=0.3)
    pipeline.emulator.fault("fail_requests", share=0.5, status=400, permanent=True)

    pipeline.run()

    assert set(pipeline.statuses()) == {"ok", "error"}
    assert pipeline.sent == 10


def test_a_request_is_missing_only_after_half_an_hour_of_looks(pipeline: Pipeline) -> None:
    """Counts that say all, and a file that stays short: the rest goes again in the end."""
    pipeline.emulator.fault("missing_lines", share=0.4, times=1)

    pipeline.submit()
    pipeline.emulator.advance(700)
    pipeline.advance()
    pipeline.emulator.advance(1_700)
    pipeline.advance()
    before = len(pipeline.emulator.batches())
    pipeline.run()

    assert before == 1
    assert len(pipeline.emulator.batches()) == 2
    assert pipeline.statuses() == ALL_OK


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("not_found", {"route": "content"}),
        ("unprocessable", {"route": "content"}),
        ("download_short", {}),
    ],
)
@pytest.mark.parametrize("end", [None, "expire"])
def test_what_a_file_may_hold_that_cannot_be_read_again_is_not_asked_again(
    pipeline: Pipeline, fault: str, options: dict[str, Any], end: str | None
) -> None:
    """KIND: a copy that lacks lines, of a file that cannot be read again. Nobody knows what is in it."""
    pipeline.limits = {"max_failed_ratio": 1.0}
    pipeline.emulator.fault("output_grows", share=0.5, lag=600)
    pipeline.emulator.fault("null_counts")
    if end:
        pipeline.emulator.fault(end, share=0.8, times=1)
    pipeline.submit()
    pipeline.emulator.advance(86_600 if end else 700)
    pipeline.advance()
    pipeline.emulator.fault(fault, times=None, **options)
    pipeline.wait()
    pipeline.load()

    assert pipeline.statuses().keys() >= {"ok", "unknown"}
    assert max(pipeline.times_executed) == 1


@pytest.mark.parametrize("end", [None, "expire", "cancel"])
def test_answers_in_files_that_are_never_named_are_not_asked_again(
    pipeline: Pipeline, end: str | None
) -> None:
    """KIND: a file of answers that cannot be read, for the batch does not say which it is."""
    pipeline.limits = {"max_failed_ratio": 1.0}
    pipeline.emulator.fault("output_late", polls=10**6)
    pipeline.emulator.fault("null_counts")
    if end:
        pipeline.emulator.fault(end)
    pipeline.submit()
    for _ in range(30):
        pipeline.emulator.advance(7_200)
        pipeline.advance()
    pipeline.load()

    assert set(pipeline.statuses()) == {"unknown"}
    assert max(pipeline.times_executed) == 1


@pytest.mark.parametrize("end", ["expire", "cancel"])
def test_a_batch_that_ran_nothing_names_no_file(pipeline: Pipeline, end: str) -> None:
    """Its requests are not waited for, also where nothing is counted."""
    pipeline.limits = {"max_failed_ratio": 1.0}
    pipeline.emulator.fault("output_late", polls=10**6, times=1)
    pipeline.emulator.fault("null_counts", times=1)
    pipeline.emulator.fault(end, share=0.0, times=1)

    pipeline.run()

    assert set(pipeline.statuses()) <= {"ok", "cancelled"}
    assert pipeline.sent == (20 if end == "expire" else 10)


def test_each_copy_has_a_name_of_its_own(pipeline: Pipeline) -> None:
    """Nothing that was copied is ever written over, and equal copies are one."""
    pipeline.emulator.fault("output_grows", share=0.2, lag=600, steps=2)

    pipeline.submit()
    for _ in range(40):
        pipeline.emulator.advance(60)
        pipeline.advance()
    pipeline.run()

    copies = [name for name in pipeline.store.list() if "output" in name and name.endswith(".jsonl")]
    assert 3 <= len(copies) <= 4
    assert pipeline.statuses() == ALL_OK


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("end", [None, "expire", "cancel"])
def test_counts_below_the_lines_end_nothing(pipeline: Pipeline, share: float, end: str | None) -> None:
    """Counts that say less than the file already shows are wrong, so they do not say that it is whole."""
    pipeline.emulator.fault("output_grows", share=0.6, lag=600)
    pipeline.emulator.fault("counts_below", share=share)
    if end:
        pipeline.emulator.fault(end, share=0.5, times=1)

    pipeline.run()

    assert pipeline.times_executed == [1] * len(pipeline.times_executed)


@pytest.mark.parametrize(
    ("name", "statuses"),
    [("answer_beside_failure", ALL_OK), ("success_without_body", {"invalid": 10})],
)
def test_lines_that_contradict_themselves_are_not_asked_again(
    pipeline: Pipeline, name: str, statuses: dict[str, int]
) -> None:
    """What a server has run is paid for, whatever else it says of it."""
    pipeline.limits = {"max_failed_ratio": 1.0}
    pipeline.emulator.fault(name, share=1)

    pipeline.run()

    assert pipeline.statuses() == statuses
    assert pipeline.times_executed == [1] * 10


@pytest.mark.parametrize("per_shard", [5, 4, 2])
def test_answers_in_each_other_s_files_are_found(pipeline: Pipeline, per_shard: int) -> None:
    """A line names its request; the file that it stands in says nothing."""
    pipeline.limits = {"requests_per_shard": per_shard}
    pipeline.emulator.fault("swapped_files")

    pipeline.submit()
    pipeline.emulator.advance(700)
    for _ in range(6):
        pipeline.emulator.advance(60)
        pipeline.advance()
    pipeline.wait()
    pipeline.load()

    assert pipeline.statuses() == ALL_OK
    assert pipeline.sent == 10


def test_lines_that_come_in_the_next_file_are_found(pipeline: Pipeline) -> None:
    """A batch whose lines stand in the file of a later one is waited for, and looked for there."""
    pipeline.limits = {"requests_per_shard": 5}
    pipeline.emulator.fault("late_lines", share=1, times=1)
    pipeline.emulator.fault("slow", duration=1_500, skip=1)

    pipeline.run()

    assert pipeline.statuses() == ALL_OK
    assert pipeline.sent == 10


@pytest.mark.parametrize("usage", [True, False])
def test_lines_that_come_after_their_send_has_ended_land(pipeline: Pipeline, usage: bool) -> None:
    """A request that was given up as missing has its answer when another batch of the run brings it."""
    pipeline.client.prices = Prices(models={"gpt-5-mini": MINI})
    pipeline.limits = {"requests_per_shard": 5, "max_attempts": 1, "max_failed_ratio": 1.0}
    pipeline.emulator.fault("late_lines", share=1, times=1)
    pipeline.emulator.fault("slow", duration=30_000, skip=1)
    if not usage:
        pipeline.emulator.fault("no_usage")

    loaded = pipeline.run()

    assert pipeline.statuses() == ALL_OK
    assert pipeline.sent == 10
    rows = [amount for _, amount in pipeline.table("id, batch_cost_usd")]
    assert math.fsum(rows) == pytest.approx(owed(pipeline), abs=1e-9)
    assert loaded.cost_usd == pytest.approx(owed(pipeline), abs=1e-9)


def test_failures_that_the_batch_does_not_count_are_of_another_file(pipeline: Pipeline) -> None:
    """A copy in which more requests failed than the batch counts is made again: they may be answered.

    It may be of another run, which has asked the same.
    """
    pipeline.name = "other"
    pipeline.emulator.fault("fail_requests", share=1, status=500, times=1)
    pipeline.submit()
    pipeline.emulator.advance(700)
    pipeline.name = "run"
    pipeline.emulator.fault("wrong_content", times=1)

    pipeline.run()

    assert pipeline.statuses() == ALL_OK
    assert pipeline.sent == 20


@pytest.mark.parametrize("fault", [{"seconds": 1_200}, {}])
@pytest.mark.parametrize("sizes", [True, False])
def test_the_answers_of_an_earlier_batch_are_none_of_a_later_one(
    pipeline: Pipeline, fault: dict[str, Any], sizes: bool
) -> None:
    """A file that is shown for another names the same requests where the later batch asks them again.

    What does not fit, or has failed, was the answer to the first try: that to the second is waited for. Where
    it is never shown, the request is not sent a third time.
    """
    pipeline.limits = {"reask_invalid": 1}
    pipeline.emulator.fault("misfit", share=0.5, times=1)
    if not sizes:
        pipeline.emulator.fault("metadata_unavailable")
    pipeline.submit()
    pipeline.emulator.advance(700)
    pipeline.advance()
    pipeline.emulator.fault("wrong_content", times=None, **fault)

    for _ in range(8):
        pipeline.emulator.advance(601)
        pipeline.advance()
    pipeline.load()

    assert pipeline.sent == 15
    assert pipeline.statuses() == (ALL_OK if fault else {"ok": 5, "invalid": 5})


def test_a_file_that_is_never_shown_is_unknown(pipeline: Pipeline) -> None:
    """Other files in place of a batch's own tell nothing of its requests: they may be answered.

    Of three batches one is never shown for another; its requests are not sent again.
    """
    pipeline.limits = {"requests_per_shard": 4}
    pipeline.emulator.fault("wrong_content", times=None)
    pipeline.submit()

    for _ in range(8):
        pipeline.emulator.advance(601)
        pipeline.advance()
    pipeline.load()

    assert pipeline.sent == 10
    assert pipeline.statuses() == {"ok": 6, "unknown": 4}


def test_failures_that_are_counted_as_done_hold_no_run(pipeline: Pipeline) -> None:
    """A server whose counts are wrong is believed by its lines, half an hour later."""
    pipeline.emulator.fault("status_zero", share=0.5, times=1)

    pipeline.submit()
    pipeline.emulator.advance(700)
    pipeline.advance()
    before = len(pipeline.emulator.batches())
    pipeline.emulator.advance(1_801)
    pipeline.advance()
    pipeline.run()

    assert before == 1
    assert len(pipeline.emulator.batches()) == 2
    assert pipeline.statuses() == ALL_OK


def owed(pipeline: Pipeline) -> float:
    """Return what the server would charge."""
    return math.fsum(
        cost(MINI, Usage(input_tokens=entry.input_tokens, output_tokens=entry.output_tokens))
        for entry in pipeline.emulator.ledger
    )
