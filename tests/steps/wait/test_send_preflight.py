"""One request is sent synchronously before many are sent: a mistake in all of them shows in seconds."""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

import openai
import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Finish, GiveUp, Wait
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.exceptions import BatchFailed, InvalidRequest
from airflow_provider_openai_batch.steps.look.batch_history import history
from airflow_provider_openai_batch.steps.run_folder.journal import Journal
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.run_folder.request_counts import counts
from airflow_provider_openai_batch.steps.wait.advance import advance, cancel
from airflow_provider_openai_batch.steps.wait.send_preflight import UNCLEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.api.sync_call import SyncOutcome

CHAT = {"route": "chat"}
REFUSAL = CHAT | {"status": 400, "code": "invalid_value", "param": "response_format"}
NOT_ASKED = [
    pytest.param("rate_limit", CHAT, "a rate limit", id="rate limit"),
    pytest.param("not_found", CHAT, "this server does not answer synchronous requests", id="no route"),
    pytest.param(
        "bad_gateway", CHAT | {"status": 404}, "this server does not answer synchronous requests", id="a page"
    ),
    pytest.param(
        "bad_gateway", CHAT | {"status": 501}, "this server does not answer synchronous requests", id="501"
    ),
    pytest.param("server_error", CHAT, f"{UNCLEAR}: 500", id="500"),
    pytest.param("conflict", CHAT, f"{UNCLEAR}: 409", id="409"),
    pytest.param("reset", CHAT, f"{UNCLEAR}: APIConnectionError", id="reset"),
]
RAN = [
    pytest.param("server_error", f"{UNCLEAR}: 500", id="500"),
    pytest.param("request_timeout", f"{UNCLEAR}: 408", id="408"),
    pytest.param("unreadable", f"{UNCLEAR}: 200, which is not readable", id="unreadable"),
]


class Killed(BaseException):
    """The process ended here."""


class DyingClient(Client):
    """Asks, and dies before the answer is anywhere; or before it asks."""

    acts = True

    def ask(self, endpoint: str, body: bytes) -> SyncOutcome:
        """Be gone."""
        if self.acts:
            super().ask(endpoint, body)
        raise Killed


@pytest.fixture
def pipeline(pipeline: Any) -> Any:
    """Ten tickets of different lengths, of which the fifth is asked first."""
    pipeline.limits = {"preflight": True}
    return pipeline.fill([(n, f"ticket {'x' * n}") for n in range(10)])


@pytest.fixture
def dying(pipeline: Any) -> Iterator[DyingClient]:
    """A process that does not live to see its answer."""
    with openai.OpenAI(base_url=pipeline.emulator.base_url, api_key=pipeline.emulator.api_key) as api:
        yield DyingClient(api)


def at_once(pipeline: Any) -> list[str]:
    """Return what was sent synchronously."""
    alone = (entry for entry in pipeline.emulator.ledger if entry.batch_id is None)
    return [entry.body["messages"][-1]["content"] for entry in alone]


def batched(pipeline: Any) -> int:
    """Count the requests that went in batches."""
    pipeline.emulator.advance(700)
    return int(pipeline.sent)


def executed(pipeline: Any) -> list[int]:
    """Count how often each question was answered, in whatever way."""
    questions = (entry.body["messages"][-1]["content"] for entry in pipeline.emulator.ledger)
    return sorted(Counter(questions).values())


def voids(pipeline: Any) -> list[str]:
    """Return why requests were not sent synchronously."""
    return [send.void.reason for send in read_run(pipeline.store).sends if send.void]


def test_its_answer_is_kept(pipeline: Any):
    """The request of median length is asked once and for all, the others go in a batch."""
    loaded = pipeline.run()

    assert loaded.counts == {"ok": 10}
    assert executed(pipeline) == [1] * 10
    assert at_once(pipeline) == ["Classify: ticket xxxx"]
    assert [row for row in pipeline.table("id, batch_id, batch_attempt") if row[1] is None] == [(4, None, 1)]


@pytest.mark.parametrize(
    ("limits", "rows", "asked"),
    [
        pytest.param({}, 999, 0, id="few"),
        pytest.param({}, 1_000, 1, id="many"),
        pytest.param({"requests_per_shard": 300}, 1_000, 1, id="many in small shards"),
        pytest.param({"preflight": False}, 1_000, 0, id="never"),
        pytest.param({"preflight": True}, 1, 1, id="always"),
        pytest.param({"preflight": "True", "requests_per_shard": 1}, 3, 1, id="shards of one"),
    ],
)
def test_many_requests_are_worth_it(pipeline: Any, limits: dict[str, Any], rows: int, asked: int):
    """From a thousand new requests on, or as it is asked for; each request is in one shard."""
    pipeline.limits = limits
    pipeline.fill([(n, f"ticket {n}") for n in range(rows)])

    pipeline.submit()

    assert len(at_once(pipeline)) == asked
    assert batched(pipeline) == rows - asked
    shards = read_run(pipeline.store).shards
    assert [shard.about.requests for shard in shards if shard.about.preflight] == [1] * asked
    assert sum(shard.about.requests for shard in shards) == rows


def test_two_stagings_make_the_same_shards(pipeline: Any):
    """What a crashed staging left is found again, whichever shards it had named."""
    pipeline.limits |= {"requests_per_shard": 4}
    pipeline.stage()
    names = {shard.id for shard in read_run(pipeline.store).shards}
    for path in [*pipeline.folder.rglob("shards/*/about.json"), *pipeline.folder.rglob("done.json")]:
        path.unlink()

    pipeline.stage(try_number=2)

    assert {shard.id for shard in read_run(pipeline.store).shards} == names


def test_a_mistake_in_all_requests_ends_the_run(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """The API's words come in seconds, nothing is sent, and whoever waits is told the same."""
    words = "Invalid schema for response_format 'answer': 'ticket xxxx' and 'type' are missing."
    pipeline.emulator.fault("conflict", **REFUSAL, message=words)

    step = pipeline.submit()

    assert isinstance(step, GiveUp)
    assert "Invalid schema for response_format 'answer': '…' and 'type' are missing." in step.error
    assert "(status 400, code 'invalid_value', param 'response_format')" in step.error
    assert pipeline.advance() == step
    assert pipeline.emulator.batches() == []
    assert "xxxx" not in f"{step.error}{caplog.text}"
    with pytest.raises(BatchFailed, match="refuses the preflight request"):
        pipeline.load()


def test_a_message_that_is_all_row_is_not_shown(pipeline: Any):
    """Then the error names the folder that holds it."""
    pipeline.emulator.fault("conflict", **REFUSAL, message="ticket xxxx")

    step = pipeline.submit()

    assert isinstance(step, GiveUp)
    (send,) = read_run(pipeline.store).sends
    assert f"see {send.folder} (status" in step.error


def test_an_unknown_model_ends_the_run(pipeline: Any):
    """A 404 about the model is not an absent route."""
    pipeline.emulator.fault(
        "not_found", route="chat", code="model_not_found", message="The model does not exist."
    )

    step = pipeline.submit()

    assert isinstance(step, GiveUp)
    assert "The model does not exist." in step.error


def test_a_clear_asks_again(pipeline: Any):
    """What was refused may have been the account's fault: the same arguments cost one more request."""
    pipeline.emulator.fault("conflict", **REFUSAL)
    pipeline.submit()

    pipeline.submit(try_number=2, max_tries=1)

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert executed(pipeline) == [1] * 10
    assert len(at_once(pipeline)) == 1


def test_a_clear_without_preflight_sends_it_in_a_batch(pipeline: Any):
    """Who does not want it is not asked again, although its shard is there."""
    pipeline.emulator.fault("conflict", **REFUSAL, times=None)
    pipeline.submit()
    pipeline.limits = {"preflight": False}
    pipeline.emulator.advance(100)

    pipeline.submit(try_number=2, max_tries=1)

    assert batched(pipeline) == 10


def test_a_clear_with_other_rows_asks_one_of_them(pipeline: Any):
    """Only new requests count, and what is answered stays."""
    pipeline.run()
    pipeline.fill([(n, f"ticket {'x' * n}{'y' * (n > 4)}") for n in range(10)])

    pipeline.submit(try_number=2, max_tries=1)

    assert at_once(pipeline) == ["Classify: ticket xxxx", "Classify: ticket xxxxxxxy"]
    assert pipeline.wait() == Finish()
    assert executed(pipeline) == [1] * 15


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "context_length_exceeded", "This model's maximum context length is 8 tokens."),
        (400, "content_filter", "The response was filtered."),
        (400, None, "This prompt violates our usage policies."),
        (413, "too_large", "The request is too large."),
    ],
)
def test_an_error_of_its_own_fails_its_row(pipeline: Any, status: int, code: str | None, message: str):
    """The row is one of many: the others are sent."""
    pipeline.emulator.fault("conflict", route="chat", status=status, code=code, message=message)

    loaded = pipeline.run()

    assert loaded.counts == {"ok": 9, "error": 1}
    told = "id, batch_error_code, batch_error_message"
    failed = [row for row in pipeline.table(told) if row[1] is not None]
    assert failed == [(4, code or "invalid_request_error", message)]


@pytest.mark.parametrize(("fault", "options", "reason"), NOT_ASKED)
def test_what_was_not_asked_goes_in_a_batch(
    pipeline: Any, fault: str, options: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
):
    """Limits, absent routes, and lost calls only warn, once."""
    pipeline.emulator.fault(fault, **options, times=None)
    caplog.set_level(logging.WARNING)

    loaded = pipeline.run()

    assert [loaded.counts, executed(pipeline), voids(pipeline)] == [{"ok": 10}, [1] * 10, [reason]]
    assert caplog.text.count("The preflight got no answer") == 1


@pytest.mark.parametrize(("fault", "reason"), RAN)
def test_what_may_have_run_goes_in_a_batch(pipeline: Any, fault: str, reason: str):
    """The one exception: an answer that was lost is asked for again, once."""
    pipeline.emulator.fault(fault, route="chat", after=True)

    loaded = pipeline.run()

    assert [loaded.counts, voids(pipeline)] == [{"ok": 10}, [reason]]
    assert executed(pipeline) == [*[1] * 9, 2]


def test_a_denied_key_is_told(pipeline: Any):
    """As at a create; with a mended key the request is asked again."""
    pipeline.emulator.fault("unauthorized", route="chat")
    with pytest.raises(BatchFailed, match=r"limits\['preflight'\] to False"):
        pipeline.submit()
    pipeline.emulator.clear_faults()
    pipeline.emulator.advance(10)

    assert isinstance(pipeline.advance(), Wait)
    assert [len(at_once(pipeline)), batched(pipeline)] == [1, 9]


def test_nothing_is_sent_while_an_answer_may_come(pipeline: Any, dying: DyingClient):
    """Who dies in the call is waited for, no longer than its time-out; then the request goes in a batch."""
    with pytest.raises(Killed):
        advance(pipeline.store, dying, Settings(), pipeline.stage().attempt)

    step = pipeline.submit(try_number=2)

    assert isinstance(step, Wait)
    assert 0 < step.until - pipeline.client.now() <= 241
    assert pipeline.emulator.batches() == []
    assert counts(pipeline.store) == {"requests": 10, "answered": 0, "in_flight": 1, "held": 9}
    cancel(pipeline.store, pipeline.client)
    pipeline.emulator.advance(300)
    pipeline.advance()
    assert [voids(pipeline), batched(pipeline)] == [[UNCLEAR], 10]
    assert "sent synchronously: 1 request, not answered (unclear)" in "\n".join(history(pipeline.store))
    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}


def test_an_answer_that_was_written_down_is_read(pipeline: Any):
    """Who dies between the raw answer and its table leaves nothing to ask again, void or not."""
    pipeline.submit()
    for path in pipeline.folder.rglob("answers.parquet"):
        path.unlink()
    (send,) = [send for send in read_run(pipeline.store).sends if send.intent.preflight]
    pipeline.store.put(f"{send.folder}/void-x.json", {"reason": UNCLEAR})

    pipeline.advance()

    assert [path.parent.name for path in pipeline.folder.rglob("answers.parquet")] == [send.id]
    assert pipeline.wait() == Finish()
    assert executed(pipeline) == [1] * 10


def test_a_late_answer_counts(pipeline: Any, dying: DyingClient):
    """A process that is taken for dead and answers after all has its answer kept beside the batch's."""
    dying.acts = False
    with pytest.raises(Killed):
        advance(pipeline.store, dying, Settings(), pipeline.stage().attempt)
    pipeline.emulator.advance(300)
    pipeline.advance()
    (send,) = [send for send in read_run(pipeline.store).sends if send.intent.preflight]
    line = next(pipeline.folder.rglob(f"shards/{send.shard}/requests.jsonl")).read_bytes()
    custom_id = line.split(b'"')[3].decode()
    answer = {"custom_id": custom_id, "response": {"status_code": 400, "body": {"error": {"message": "No."}}}}
    with pipeline.store.create(f"{send.folder}/error.jsonl") as file:
        file.write(json.dumps(answer).encode())

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert len(list(pipeline.folder.rglob(f"shards/{send.shard}/sends/*/answers.parquet"))) == 2


def test_an_overtaken_process_asks_nothing(pipeline: Any):
    """The lower attempt writes a void, and the higher one asks."""
    staged = pipeline.stage()
    Journal(pipeline.store, lambda: 0.0).register(read_run(pipeline.store))

    pipeline.advance(staged.attempt)
    assert at_once(pipeline) == pipeline.emulator.batches() == []

    pipeline.advance()
    assert [len(at_once(pipeline)), batched(pipeline)] == [1, 9]


def test_a_preview_asks_nothing(pipeline: Any):
    """It shows the shards as they would be; what is sent after it is asked first all the same."""
    pipeline.limits |= {"preview": True}
    pipeline.stage()
    assert isinstance(pipeline.advance(), Finish)
    assert pipeline.emulator.ledger == []
    pipeline.limits = {"preflight": True}

    pipeline.submit(try_number=2, max_tries=1)

    assert [len(at_once(pipeline)), batched(pipeline)] == [1, 9]


def test_more_requests_than_allowed_end_the_staging(pipeline: Any):
    """Nothing is sent, and a retry comes no further; equal rows are one request, and a preview may count."""
    pipeline.limits |= {"max_requests": 9}
    for number in (1, 2):
        with pytest.raises(InvalidRequest, match="more than 9 requests"):
            pipeline.submit(try_number=number)
    assert pipeline.emulator.ledger == []

    pipeline.limits |= {"preview": True}
    assert pipeline.stage(try_number=3).requests == 10
    pipeline.limits |= {"preview": False}
    pipeline.fill([(n, f"ticket {n % 9}") for n in range(10)])
    assert pipeline.stage(try_number=4).requests == 9
