"""What the log of a resumed task says about the time before."""

from __future__ import annotations

from typing import Any

from airflow_provider_openai_batch.steps.look.batch_history import history


def test_each_batch_has_a_line(pipeline: Any):
    """When it was sent, how it ended, and what it answered, in the order of the sends; no row text."""
    pipeline.emulator.fault("expire", share=0.5, times=1)
    pipeline.submit()
    before = list(history(pipeline.store))
    pipeline.wait()
    after = list(history(pipeline.store))

    first, second = (batch["id"] for batch in pipeline.emulator.batches())
    assert [line.split("Z ", 1)[1] for line in before] == [f"{first}: 10 requests, in flight."]
    assert first in after[0]
    assert "expired" in after[0]
    assert "ok 5 (attempt 1)" in after[0]
    assert second in after[1]
    assert "completed" in after[1]
    assert "ok 5 (attempt 2)" in after[1]
    assert "ticket" not in "".join(before + after)


def test_refused_and_unclear_sends_are_told(pipeline: Any):
    """What made no batch is named by its file."""
    pipeline.emulator.fault("rate_limit", route="create")
    pipeline.submit()
    refused = list(history(pipeline.store))
    pipeline.emulator.fault("server_error", route="create")
    pipeline.emulator.advance(600)
    pipeline.advance()

    assert "refused" in refused[0]
    assert "status 429" in refused[0]
    assert list(history(pipeline.store))[1].endswith("not known to be made.")
