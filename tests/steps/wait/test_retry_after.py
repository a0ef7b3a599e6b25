"""An API that asks to be left alone is left alone."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import httpx
import openai
import pytest

from airflow_provider_openai_batch.batch.api.retry_after import LONGEST
from airflow_provider_openai_batch.batch.decisions.actions import Finish, Wait
from airflow_provider_openai_batch.steps.look.api_errors import rest_after
from airflow_provider_openai_batch.steps.run_folder.request_counts import counts

NOON = 1_800_000_000
SEVERAL = {"requests_per_shard": 5}


def answer(retry_after: str | None, status: int = 429) -> openai.APIStatusError:
    headers = {"date": formatdate(NOON, usegmt=True)}
    if retry_after is not None:
        headers["retry-after"] = retry_after
    response = httpx.Response(status, headers=headers, request=httpx.Request("GET", "http://x"))
    return openai.APIStatusError("x", response=response, body=None)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("30", 30),
        ("600.5", 600.5),
        (formatdate(NOON + 90, usegmt=True), 90),
        (formatdate(NOON - 90, usegmt=True), 0),
        ("-5", 0),
        ("nan", 0),
        ("soon", 0),
        ("", 0),
        (None, 0),
        ("1790000000", LONGEST),
        ("inf", LONGEST),
    ],
)
def test_seconds_and_dates_are_read(told: str | None, seconds: float):
    """A date counts from the answer's own, whatever this machine's clock says; nonsense asks for nothing."""
    assert rest_after(answer(told)) == seconds


def test_what_is_no_answer_asks_for_nothing():
    """A broken connection says nothing about when to come back."""
    assert rest_after(ConnectionResetError()) == 0


@pytest.mark.parametrize("fault", ["rate_limit", "unavailable"])
def test_one_refusal_ends_the_looks(pipeline: Any, fault: str):
    """After `Retry-After` no other batch is looked at and nothing is done; the wait says until when."""
    pipeline.limits = SEVERAL
    pipeline.submit()
    pipeline.emulator.advance(900)
    pipeline.emulator.fault(fault, route="retrieve", retry_after=600)

    step = pipeline.advance()

    assert isinstance(step, Wait)
    assert step.rest == pytest.approx(pipeline.client.now() + 600, abs=60)
    assert counts(pipeline.store)["answered"] == 0
    assert isinstance(pipeline.advance(), Finish)


def test_a_refused_download_ends_the_work(pipeline: Any):
    """What is left of the work waits, too."""
    pipeline.limits = SEVERAL
    pipeline.submit()
    pipeline.emulator.advance(900)
    pipeline.emulator.fault("rate_limit", route="content", retry_after=600)

    step = pipeline.advance()

    assert isinstance(step, Wait)
    assert step.rest > pipeline.client.now()
    assert counts(pipeline.store)["answered"] == 0
    assert pipeline.wait() == Finish()


def test_a_refused_create_holds_all_shards(pipeline: Any):
    """The limit is the account's: no other shard is tried before the time is over."""
    pipeline.limits = SEVERAL
    pipeline.emulator.fault("rate_limit", route="create", retry_after=600)

    pipeline.submit()
    pipeline.emulator.advance(500)
    pipeline.advance()
    early = len(pipeline.emulator.batches())
    pipeline.emulator.advance(200)
    pipeline.advance()

    assert early == 0
    assert len(pipeline.emulator.batches()) == 2
