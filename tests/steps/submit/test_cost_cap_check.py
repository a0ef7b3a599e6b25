"""What a run may cost is not passed, before anything is sent and while it goes on."""

from __future__ import annotations

import logging
import re
import threading
from typing import Any

import openai
import pytest

from airflow_provider_openai_batch.batch.cost.prices import Price, Prices
from airflow_provider_openai_batch.batch.decisions.actions import Finish
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.exceptions import InvalidRequest, TooManyFailures
from airflow_provider_openai_batch.steps.look.batch_history import history
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.run_folder.request_counts import counts
from airflow_provider_openai_batch.steps.wait.advance import advance

#: 1 USD a token of output as batch, and input for nothing; and four times that.
PRICES, DEARER = (
    Prices(models={"gpt-5.1": Price(input=0, output=dollars * 2_000_000)}) for dollars in (1, 4)
)
REQUEST = {
    "endpoint": "/v1/chat/completions",
    "model": "gpt-5.1",
    "messages": [{"role": "user", "content": "Classify: {body}"}],
    "reasoning_effort": "none",
}


class Capped:
    """A run of ten tickets in five shards that are estimated at 16 USD each; their answers cost 9 or 10."""

    def __init__(self, pipeline: Any) -> None:
        self.run = pipeline
        pipeline.client.prices = PRICES
        self.cap(None)

    def cap(self, most: float | None, **limits: Any) -> None:
        """Set the cap."""
        own = {"requests_per_shard": 2, "tokens_per_shard": 1_000, "max_failed_ratio": 1}
        self.run.limits = own | {"max_cost_usd": most} | limits

    def submit(self, **changes: Any) -> Any:
        """Stage and send what may be sent."""
        return self.run.submit(request=REQUEST, **changes)

    def grow(self) -> None:
        """Send one batch at a time, whose answers cost twice what is expected."""
        self.run.client.token_budgets = {"gpt-5.1": 120}
        self.submit()
        self.run.client.prices = DEARER
        self.run.wait()

    @property
    def spent(self) -> float:
        """Return what all answers have cost."""
        tallies = [send.tally for send in read_run(self.run.store).sends if send.tally]
        return sum(tally.cost_usd or 0.0 for tally in tallies)


@pytest.fixture
def capped(pipeline: Any) -> Capped:
    """A run to cap."""
    return Capped(pipeline)


def test_an_estimate_over_the_cap_sends_nothing(capped: Capped, caplog: pytest.LogCaptureFixture):
    """The message has estimate, cap, and what to change, the log how it came about; a retry is no better."""
    caplog.set_level(logging.INFO)
    capped.cap(79)
    for number in (1, 2):
        with pytest.raises(InvalidRequest, match=r"estimated at 80\.00 USD.* of 79\.00 USD.*Raise the limit"):
            capped.submit(try_number=number)

    assert re.search(r"new requests: about 80\.00 USD .* Estimate: about .* input tokens", caplog.text)
    assert capped.run.emulator.batches() == []
    capped.cap(80)
    capped.submit(try_number=3)
    assert len(capped.run.emulator.batches()) == 5


def test_a_preflight_is_part_of_the_estimate(capped: Capped):
    """At its synchronous price: else a cap may pay for one row and cancel all others."""
    capped.cap(87, preflight=True)
    for clear in (0, 1):
        with pytest.raises(InvalidRequest, match=r"estimated at 88\.00 USD"):
            capped.submit(max_tries=clear)

    assert capped.run.emulator.ledger == []
    capped.cap(88)
    assert capped.run.stage(request=REQUEST, max_tries=2).estimated_cost_usd == 88
    capped.cap(87, preflight=False)
    assert capped.run.stage(request=REQUEST, max_tries=3).estimated_cost_usd == 80


def test_an_unknown_price_is_over_any_cap(capped: Capped):
    """The line to add is in the message."""
    capped.cap(80)
    capped.run.client.prices = Prices()

    with pytest.raises(InvalidRequest, match=r'"prices": \{"gpt-5.1": \{"input"'):
        capped.submit()
    capped.cap(80, preview=True)
    capped.run.stage(request=REQUEST)
    assert capped.run.emulator.batches() == []


def test_a_preview_says_what_would_be_refused(capped: Capped, caplog: pytest.LogCaptureFixture):
    """It shows the estimate, for that is what it is for."""
    capped.cap(79, preview=True)

    assert capped.run.stage(request=REQUEST).estimated_cost_usd == 80
    assert "estimated at 80.00 USD" in caplog.text


def test_answers_that_grow_past_the_cap_stop_the_sending(capped: Capped, caplog: pytest.LogCaptureFixture):
    """What is answered lands, the rest is cancelled with the figures, and a higher cap sends it."""
    capped.cap(100)
    caplog.set_level(logging.INFO)
    capped.grow()

    assert capped.run.advance() == Finish()

    batches = len(capped.run.emulator.batches())
    assert 0 < batches < 5
    assert capped.spent <= 100
    loaded = capped.run.load()
    assert loaded.counts == {"ok": 2 * batches, "cancelled": 10 - 2 * batches}
    told = dict(capped.run.table("batch_error_code, batch_error_message"))
    assert "limits['max_cost_usd'] is 100.00 USD" in told["max_cost_usd"]
    assert "times what was estimated. Raise the limit and clear submit." in told["max_cost_usd"]
    assert "2 requests are cancelled. Not sent: limits['max_cost_usd']" in caplog.text
    assert f"{10 - 2 * batches} rows were not sent" in caplog.text
    assert "not sent: 2 requests, cancelled 2." in "\n".join(history(capped.run.store))
    assert counts(capped.run.store)["held"] == 0

    capped.cap(5_000)
    capped.submit(try_number=2, max_tries=1)
    assert capped.run.wait() == Finish()
    assert capped.run.load().counts == {"ok": 10}
    assert capped.run.times_executed == [1] * 10


def test_a_clear_with_the_same_cap_sends_no_more(capped: Capped):
    """What was spent before counts."""
    capped.cap(100)
    capped.grow()
    before = len(capped.run.emulator.batches())

    with pytest.raises(InvalidRequest, match="are spent or in flight"):
        capped.submit(try_number=2, max_tries=1)

    assert len(capped.run.emulator.batches()) == before


def test_a_load_that_fails_says_what_to_raise(capped: Capped):
    """The cap is the most frequent code, and the advice is not to clear alone."""
    capped.cap(170, max_failed_ratio=0.1)
    capped.run.fill([(n, f"ticket {n}") for n in range(20)])
    capped.grow()

    with pytest.raises(
        TooManyFailures, match=r"max_cost_usd \(\d+\).*raise limits\['max_cost_usd'\] and clear"
    ):
        capped.run.load()


def test_what_fails_for_the_moment_goes_again_under_the_cap_only(capped: Capped):
    """A second try is paid for, too."""
    capped.cap(80)
    capped.run.emulator.fault("fail_requests", share=1, status=500, times=1)
    capped.submit()
    capped.run.client.prices = DEARER

    assert capped.run.wait() == Finish()

    loaded = capped.run.load()
    assert loaded.counts["cancelled"] == 2
    assert len(capped.run.emulator.batches()) == 5


def test_two_processes_never_send_what_one_of_them_caps(capped: Capped):
    """The lower attempt writes a void; each request is executed once or never."""
    capped.cap(100)
    capped.run.client.token_budgets = {"gpt-5.1": 120}
    capped.submit()
    capped.run.client.prices = DEARER
    capped.run.emulator.advance(900)
    started = threading.Barrier(2)

    def work() -> None:
        api = openai.OpenAI(base_url=capped.run.emulator.base_url, api_key=capped.run.emulator.api_key)
        client = Client(api, {"gpt-5.1": 120}, DEARER)
        started.wait()
        advance(capped.run.store, client, Settings())

    for _ in range(4):
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        capped.run.emulator.advance(900)

    assert capped.run.wait() == Finish()
    assert capped.spent <= 100
    assert set(capped.run.times_executed) == {1}
