"""Answers that do not fit are asked for once more where the user says so, and never more often."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Finish


def sent(pipeline: Any) -> list[int]:
    """Return how many requests each batch holds, in the order they were made."""
    batches = sorted(pipeline.emulator.batches(), key=lambda batch: batch["created_at"])
    return [batch["request_counts"]["total"] for batch in batches]


def landed(pipeline: Any) -> dict[tuple[str, int], int]:
    """Count the rows by status and attempt."""
    counts: dict[tuple[str, int], int] = {}
    for _, status, attempt in pipeline.table("id, batch_status, batch_attempt"):
        counts[status, attempt] = counts.get((status, attempt), 0) + 1
    return counts


def test_only_what_does_not_fit_goes_again(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """Good answers are kept; the log says how many are asked again, the table which attempt counts."""
    caplog.set_level(logging.INFO)
    pipeline.limits = {"reask_invalid": 1}
    pipeline.emulator.fault("misfit", share=0.5, times=1)

    loaded = pipeline.run()

    again = sent(pipeline)[1]
    assert loaded.counts == {"ok": 10}
    assert sent(pipeline) == [10, again]
    assert landed(pipeline) == {("ok", 1): 10 - again, ("ok", 2): again}
    assert len(pipeline.times_executed) == 10 + again
    assert caplog.text.count(f"{again} answers of shard ") == 1


@pytest.mark.parametrize(("reask", "batches"), [(0, 1), (1, 2), ("2", 3)])
def test_what_never_fits_is_invalid_in_the_end(pipeline: Any, reask: int | str, batches: int):
    """So often it is asked again and not once more; the last answer stands, with its text."""
    pipeline.limits = {"reask_invalid": reask, "max_failed_ratio": 1}
    pipeline.emulator.fault("misfit", share=1)

    pipeline.run()

    assert sent(pipeline) == [10] * batches
    assert landed(pipeline) == {("invalid", batches): 10}
    assert all(raw for _, raw in pipeline.table("id, batch_raw_output"))


def test_attempts_are_counted_apart(pipeline: Any):
    """A question that is put again has all its attempts: failures for the moment are none of its kind."""
    pipeline.limits = {"reask_invalid": 1, "max_attempts": 2}
    pipeline.emulator.fault("misfit", share=1, times=1)
    pipeline.emulator.fault("fail_all", status=500, skip=1, times=1)

    loaded = pipeline.run()

    assert loaded.counts == {"ok": 10}
    assert sent(pipeline) == [10, 10, 10]
    assert landed(pipeline) == {("ok", 3): 10}


@pytest.mark.parametrize("status", [500, 400])
def test_the_first_answer_stands_where_the_second_fails(pipeline: Any, status: int):
    """What was paid for is kept: without attempts left, the answer that does not fit is the answer."""
    pipeline.limits = {"reask_invalid": 1, "max_attempts": 1, "max_failed_ratio": 1}
    pipeline.emulator.fault("misfit", share=1, times=1)
    pipeline.emulator.fault("fail_all", status=status, skip=1)

    pipeline.run()

    assert sent(pipeline) == [10, 10]
    assert landed(pipeline) == {("invalid", 1): 10}


def test_neither_retry_nor_clear_asks_a_third_time(pipeline: Any):
    """A retry, a renamed connection, and a clear of submit find the question put as often as was asked."""
    pipeline.limits = {"reask_invalid": 1, "max_failed_ratio": 1}
    pipeline.emulator.fault("misfit", share=1)
    pipeline.run()

    pipeline.submit(try_number=2, openai_conn_id="renamed")
    pipeline.submit(max_tries=1)

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"invalid": 10}
    assert sent(pipeline) == [10, 10]


def test_a_limit_that_is_raised_later_asks_again(pipeline: Any):
    """Whoever finds answers that do not fit sets the limit, clears submit, and pays for these alone."""
    pipeline.emulator.fault("misfit", share=0.2, times=1)
    invalid = pipeline.run().counts["invalid"]
    pipeline.limits = {"reask_invalid": 1}

    pipeline.submit(max_tries=1)
    pipeline.wait()

    assert pipeline.load().counts == {"ok": 10}
    assert sent(pipeline) == [10, invalid]
