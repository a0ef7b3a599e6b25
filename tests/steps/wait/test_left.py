"""Only what is left goes again: what is answered, in flight, or refused for good is never sent twice."""

from __future__ import annotations

import logging
import random
from typing import Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.decisions.actions import Finish, Wait
from airflow_provider_openai_batch.exceptions import BatchFailed
from airflow_provider_openai_batch.steps.wait.advance import cancel

TICKETS = [(n, f"ticket {n}") for n in range(10)]


def sent(pipeline: Any) -> list[int]:
    """Return how many requests each batch holds, in the order they were made."""
    batches = sorted(pipeline.emulator.batches(), key=lambda batch: batch["created_at"])
    return [batch["request_counts"]["total"] for batch in batches]


def attempts(pipeline: Any) -> list[int]:
    return sorted(attempt for _, attempt in pipeline.table("id, batch_attempt"))


def shuffled() -> list[tuple[int, str]]:
    return random.Random(7).sample(TICKETS, len(TICKETS))


@pytest.mark.parametrize("most", [1, 2, 4])
def test_transient_failures_go_again_so_many_times(pipeline: Any, most: int):
    """A request that fails for the moment is sent `max_attempts` times and not once more."""
    pipeline.limits = {"max_attempts": most, "max_failed_ratio": 1}
    pipeline.emulator.fault("fail_all", status=500)

    loaded = pipeline.run()

    assert loaded.counts == {"failed": 10}
    assert sent(pipeline) == [10] * most
    assert attempts(pipeline) == [most] * 10


def test_finished_requests_of_an_expired_batch_are_kept(pipeline: Any):
    """Seven of ten were done when the time was over: the other three make the second batch."""
    pipeline.emulator.fault("expire", share=0.7, times=1)

    loaded = pipeline.run()

    assert loaded.counts == {"ok": 10}
    assert sent(pipeline) == [10, 3]
    assert attempts(pipeline) == [1] * 7 + [2] * 3
    assert pipeline.times_executed == [1] * 10


def test_what_expires_each_time_ends(pipeline: Any):
    """Each attempt keeps what it has done; what the last one leaves is expired."""
    pipeline.limits = {"max_attempts": 2}
    pipeline.emulator.fault("expire", share=0.5)

    loaded = pipeline.run()

    first, second = sent(pipeline)
    assert (first, second) == (10, 5)
    assert loaded.counts == {"ok": 10 - loaded.counts["expired"], "expired": loaded.counts["expired"]}
    assert 0 < loaded.counts["expired"] < 5
    assert pipeline.times_executed == [1] * loaded.counts["ok"]


def test_refused_requests_are_sent_once(pipeline: Any):
    """What the API refuses today it refuses tomorrow."""
    pipeline.emulator.fault("fail_requests", share=0.3, status=400, permanent=True)

    loaded = pipeline.run()

    assert set(loaded.counts) == {"ok", "error"}
    assert sent(pipeline) == [10]
    assert attempts(pipeline) == [1] * 10


def test_person_who_cancels_is_not_fought_until_submit_is_cleared(pipeline: Any):
    """What a person stopped stays stopped; clearing submit sends what was not done, and only that."""
    pipeline.emulator.fault("cancel", share=0.7, times=1)
    loaded = pipeline.run()
    assert loaded.counts == {"ok": 7, "cancelled": 3}
    assert isinstance(pipeline.advance(), Finish)
    assert sent(pipeline) == [10]

    pipeline.submit(max_tries=1)
    pipeline.wait()

    assert pipeline.load().counts == {"ok": 10}
    assert sent(pipeline) == [10, 3]
    assert pipeline.times_executed == [1] * 10


def test_our_own_cancel_goes_again_without_what_was_done(pipeline: Any):
    """What our cancel stopped is asked again, and what was done by then is kept."""
    pipeline.submit()
    pipeline.emulator.advance(400)
    cancel(pipeline.store, pipeline.client)

    pipeline.wait()

    assert pipeline.load().counts == {"ok": 10}
    first, second = sent(pipeline)
    assert first == 10
    assert second < 10
    assert attempts(pipeline) == [1] * (10 - second) + [2] * second
    assert pipeline.times_executed == [1] * 10


def test_retry_in_another_order_by_another_connection_sends_nothing(pipeline: Any):
    """While all is in flight, a retry and a clear add no batch: only the requests count."""
    pipeline.submit()
    pipeline.fill(shuffled())

    pipeline.submit(try_number=2, openai_conn_id="renamed")
    pipeline.submit(max_tries=1, openai_conn_id="renamed")

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert sent(pipeline) == [10]


@pytest.mark.parametrize("cleared", ["all", "submit", "wait", "load"])
def test_clearing_after_success_lands_again_for_free(pipeline: Any, cleared: str):
    """Whatever is cleared of a landed run: the same table, and not one call that costs."""
    pipeline.run()
    table = pipeline.table()
    pipeline.fill(shuffled())

    if cleared in {"all", "submit"}:
        pipeline.submit(max_tries=1, openai_conn_id="renamed")
    if cleared in {"all", "wait"}:
        assert pipeline.wait() == Finish()
    pipeline.load()

    assert pipeline.table() == table
    assert sent(pipeline) == [10]
    assert pipeline.emulator.files() == []


def test_clear_says_that_all_is_kept(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """Whoever clears submit reads in the log that nothing is paid for."""
    caplog.set_level(logging.INFO)
    pipeline.run()

    pipeline.submit(max_tries=1)

    told = [record.message for record in caplog.records if record.message.startswith("10 requests: ")]
    assert told == ["10 requests: 10 are answered or in flight."]
    assert "changed since" not in caplog.text


def test_changed_rows_are_sent_alone(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """Of ten rows, three changed and one came: four requests are new, and the log says so."""
    caplog.set_level(logging.INFO)
    pipeline.run()
    pipeline.fill([*((n, f"changed {n}") for n in range(3)), *TICKETS[3:], (10, "came later")])

    pipeline.submit(max_tries=1)
    pipeline.wait()

    assert pipeline.load().counts == {"ok": 11}
    assert sent(pipeline) == [10, 4]
    assert "11 requests: 7 are answered or in flight, 4 are new." in caplog.text
    assert "changed since" not in caplog.text


def test_changed_prompt_is_sent_and_named(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """Another prompt asks all rows anew and warns; going back to the first one is free."""
    pipeline.run()
    first, pipeline.prompt = pipeline.prompt, "Sort: {body}"

    pipeline.submit(max_tries=1)
    assert "request['messages'] changed since the last snapshot of this run: 10 requests" in caplog.text
    pipeline.wait()
    pipeline.load()
    caplog.clear()
    pipeline.prompt = first
    pipeline.submit(max_tries=2)

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert sent(pipeline) == [10, 10]
    assert "changed since" not in caplog.text


def test_changed_output_type_and_model_are_named(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """The warning names every argument that makes requests other ones."""
    pipeline.stage()
    pipeline.output_type = ["bug", "feature", "billing"]
    request = {"model": "gpt-5-nano", "messages": [{"role": "user", "content": pipeline.prompt}]}

    pipeline.stage(max_tries=1, request=arguments.request(request))

    assert "request['model'], output_type changed since" in caplog.text


def test_failed_requests_go_again_and_are_counted(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """After a clear the log tells the ones that failed from new ones."""
    caplog.set_level(logging.INFO)
    pipeline.limits = {"max_attempts": 1, "max_failed_ratio": 1}
    pipeline.emulator.fault("fail_requests", share=0.4, status=500, times=1)
    failed = pipeline.run().counts["failed"]

    pipeline.submit(max_tries=1)
    pipeline.wait()

    assert pipeline.load().counts == {"ok": 10}
    assert sent(pipeline) == [10, failed]
    told = f"{10 - failed} are answered or in flight, {failed} are sent again."
    assert told in caplog.text


def test_batches_made_before_a_failure_are_kept(pipeline: Any):
    """The fourth of five uploads is denied: three batches are known, and the retry makes the other two."""
    pipeline.limits = {"requests_per_shard": 2}
    pipeline.emulator.fault("unauthorized", route="upload", skip=3)
    with pytest.raises(BatchFailed):
        pipeline.submit()
    pipeline.emulator.clear_faults()
    known = {path.stem for path in pipeline.folder.rglob("batches/*.json")}
    assert known == {batch["id"] for batch in pipeline.emulator.batches()}
    assert len(known) == 3

    pipeline.submit(try_number=2)

    assert len(pipeline.emulator.batches()) == 5
    pipeline.wait()
    assert pipeline.load().counts == {"ok": 10}
    assert sent(pipeline) == [2] * 5
    assert pipeline.times_executed == [1] * 10


def test_unclear_creates_hold_only_their_own_shards(pipeline: Any):
    """Creates four and five get no answer: they are resolved and sent, the first three stay."""
    pipeline.limits = {"requests_per_shard": 2}
    pipeline.emulator.fault("server_error", route="create", skip=3, times=2)
    pipeline.submit()
    first = {batch["id"] for batch in pipeline.emulator.batches()}
    assert len(first) == 3

    assert isinstance(pipeline.submit(try_number=2), Wait)
    assert {batch["id"] for batch in pipeline.emulator.batches()} == first

    pipeline.wait()
    assert pipeline.load().counts == {"ok": 10}
    assert sent(pipeline) == [2] * 5
    assert pipeline.times_executed == [1] * 10


def test_server_that_names_bad_lines_one_by_one(pipeline: Any):
    """Each bad line costs one upload and nothing else; the good ones run once, in their first attempt."""
    pipeline.emulator.fault("fail_validation", lines=[1], times=3)

    loaded = pipeline.run()

    assert loaded.counts == {"ok": 7, "error": 3}
    assert len(pipeline.emulator.batches()) == 4
    assert attempts(pipeline) == [1] * 10
    assert pipeline.times_executed == [1] * 7


def test_bad_lines_one_by_one_come_to_an_end(pipeline: Any):
    """A server that finds fault with every line is asked once per line at most, and nothing is paid."""
    pipeline.limits = {"max_failed_ratio": 1}
    pipeline.emulator.fault("fail_validation", lines=[1])

    loaded = pipeline.run()

    assert loaded.counts == {"error": 10}
    assert len(pipeline.emulator.batches()) == 10
    assert pipeline.times_executed == []
    assert pipeline.emulator.files() == []
