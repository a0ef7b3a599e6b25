"""An account without credit: nothing runs, and nothing is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Finish, Wait

if TYPE_CHECKING:
    from tests.steps.conftest import Pipeline

HOUR = 3_600


@pytest.mark.parametrize("share", [1, 0.4])
def test_credit_is_waited_for_and_no_attempt_counted(pipeline: Pipeline, share: float) -> None:
    """Lines that say `insufficient_quota` are asked again after pauses, as often as it takes."""
    pipeline.emulator.fault("quota_spent", share=share, times=7)

    pipeline.submit()
    step = pipeline.wait(days=2)
    pipeline.load()

    assert step == Finish()
    assert pipeline.statuses() == {"ok": 10}
    assert len(pipeline.emulator.batches()) >= 3


def test_the_pauses_between_refused_batches_grow(pipeline: Pipeline) -> None:
    """Two days without credit cost tens of batches, not one each ten minutes."""
    pipeline.emulator.fault("quota_spent", share=1)

    pipeline.submit()
    step = pipeline.wait(days=1)

    assert isinstance(step, Wait)
    assert 5 <= len(pipeline.emulator.batches()) <= 26


def test_real_failures_between_are_attempts(pipeline: Pipeline) -> None:
    """Only what was not run for want of credit is none."""
    pipeline.limits = {"max_failed_ratio": 1.0}
    pipeline.emulator.fault("quota_spent", share=1, times=2)
    pipeline.emulator.fault("fail_all", status=500, skip=2)

    pipeline.run()

    assert pipeline.statuses() == {"failed": 10}
    assert len(pipeline.emulator.batches()) == 5
    assert set(pipeline.table("batch_attempt")) == {(3,)}


@pytest.mark.parametrize("options", [{}, {"code": "billing_hard_limit_reached"}, {"code": None}])
def test_a_create_without_credit_is_waited_for(pipeline: Pipeline, options: dict[str, Any]) -> None:
    """A refusal for want of credit ends no run: somebody will add some."""
    pipeline.emulator.fault("quota_refused", times=4, **options)

    pipeline.submit()
    step = pipeline.wait()
    pipeline.load()

    assert step == Finish()
    assert pipeline.statuses() == {"ok": 10}


def test_a_batch_that_fails_for_want_of_credit_is_sent_again(pipeline: Pipeline) -> None:
    """The batch itself may say so, before anything has run."""
    told = {"code": "insufficient_quota", "message": "You exceeded your current quota."}
    pipeline.emulator.fault("fail_validation", lines=[None], times=5, **told)

    pipeline.run()

    assert pipeline.statuses() == {"ok": 10}
