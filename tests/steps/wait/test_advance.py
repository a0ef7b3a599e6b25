"""The loop against the emulator: what the API does wrong, and what the run makes of it."""

from __future__ import annotations

import threading
import traceback
from typing import Any

import openai
import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Finish, GiveUp, Wait
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.exceptions import BatchFailed, RunUnreadable
from airflow_provider_openai_batch.steps.run_folder.journal import Journal
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.wait.advance import advance, cancel

DAY = 86_400


def test_plain_run(pipeline: Any):
    """Ten rows in, ten rows out, each request once."""
    loaded = pipeline.run()

    assert loaded.counts == {"ok": 10}
    assert [row[0] for row in pipeline.table()] == list(range(10))
    assert pipeline.times_executed == [1] * 10


def test_calling_again_changes_nothing(pipeline: Any):
    """Advance is free at any time."""
    pipeline.submit()

    steps = [pipeline.advance() for _ in range(5)]

    assert all(isinstance(step, Wait) for step in steps)
    assert len(pipeline.emulator.batches()) == 1


def test_shards_are_cut_and_sent(pipeline: Any):
    """Ten requests by four make three batches."""
    pipeline.limits = {"requests_per_shard": 4}

    pipeline.run()

    assert sorted(b["request_counts"]["total"] for b in pipeline.emulator.batches()) == [2, 4, 4]


@pytest.mark.parametrize("fault", ["server_error", "reset", "unreadable", "request_timeout", "conflict"])
def test_lost_answer_of_create_makes_one_batch(pipeline: Any, fault: str):
    """A create that acted and whose answer was lost is found again, not repeated."""
    pipeline.emulator.fault(fault, route="create", after=True)

    pipeline.run()

    assert len(pipeline.emulator.batches()) == 1
    assert pipeline.times_executed == [1] * 10


@pytest.mark.parametrize("fault", ["server_error", "reset", "request_timeout"])
def test_create_that_never_acted_is_sent_again(pipeline: Any, fault: str):
    """A create that was lost before it acted is fenced, called void, and sent anew."""
    pipeline.emulator.fault(fault, route="create")

    loaded = pipeline.run()

    assert loaded.counts == {"ok": 10}
    assert len(pipeline.emulator.batches()) == 1


def test_two_batches_of_one_file(pipeline: Any):
    """Should two exist all the same, one is kept, the other cancelled, and every finished line counted."""
    pipeline.submit()
    batch = pipeline.emulator.batches()[0]
    pipeline.client.create(batch["input_file_id"], "/v1/chat/completions", {})
    next(pipeline.folder.rglob("batches/*.json")).unlink()

    assert pipeline.wait() == Finish()

    assert len(list(pipeline.folder.rglob("batches/*.json"))) == 2
    assert pipeline.load().counts == {"ok": 10}
    assert len(list(pipeline.folder.rglob("output*.jsonl"))) == 2
    assert pipeline.emulator.files() == []


def test_failing_list_resolves_nothing(pipeline: Any):
    """While the list cannot be read, a doubt stays a doubt."""
    pipeline.emulator.fault("server_error", route="create", after=True)
    pipeline.submit()
    pipeline.emulator.fault("server_error", route="list", times=None)
    for _ in range(4):
        pipeline.emulator.advance(900)
        assert isinstance(pipeline.advance(), Wait)

    pipeline.emulator.clear_faults()

    assert pipeline.wait() == Finish()
    assert len(pipeline.emulator.batches()) == 1


def test_endless_list_resolves_nothing(pipeline: Any):
    """A list that repeats itself is not a list: what it does not show may be there."""
    pipeline.submit()
    pipeline.name = "other"
    pipeline.emulator.fault("server_error", route="create")
    pipeline.submit()
    pipeline.emulator.fault("endless_list", times=None)
    pipeline.emulator.advance(3_600)

    assert isinstance(pipeline.advance(), Wait)
    assert [name for name in pipeline.store.list() if "/fence-" in name or "/void-" in name] == []
    assert len(pipeline.emulator.batches()) == 1


def test_transient_failures_go_again(pipeline: Any):
    """Only what failed for the moment is sent again, and the row says which attempt answered."""
    pipeline.emulator.fault("fail_requests", share=0.5, status=500, times=1)

    loaded = pipeline.run()

    assert loaded.counts == {"ok": 10}
    totals = sorted(batch["request_counts"]["total"] for batch in pipeline.emulator.batches())
    assert totals[-1] == 10
    assert len(totals) == 2
    assert totals[0] < 10
    attempts = [attempt for _, attempt in pipeline.table("id, batch_attempt")]
    assert attempts.count(2) == totals[0]


def test_failures_that_stay_end(pipeline: Any):
    """After three attempts a failed request is a failed row, and the run finishes."""
    pipeline.emulator.fault("fail_all", status=500)

    pipeline.submit()

    assert pipeline.wait() == Finish()
    assert len(pipeline.emulator.batches()) == 3


def test_attempts_of_each_shard_are_counted(pipeline: Any):
    """What keeps failing is asked three times, in whatever shard it is, and no more."""
    pipeline.limits = {"requests_per_shard": 5}
    pipeline.emulator.fault("fail_all", status=500)

    pipeline.submit()

    assert pipeline.wait(days=0.1) == Finish()
    assert len(pipeline.emulator.batches()) == 6
    assert {entry.times for entry in pipeline.emulator.ledger} == {3}


def test_permanent_failures_are_sent_once(pipeline: Any):
    """A request that the API refuses is refused again: it is sent once."""
    pipeline.emulator.fault("fail_all", status=400)

    pipeline.submit()

    assert pipeline.wait() == Finish()
    assert len(pipeline.emulator.batches()) == 1


def test_expired_batch_keeps_what_it_did(pipeline: Any):
    """Finished lines of an expired batch are kept; the rest goes again."""
    pipeline.emulator.fault("expire", share=0.7, times=1)

    loaded = pipeline.run()

    assert loaded.counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10


def test_person_who_cancels_is_not_fought(pipeline: Any):
    """A batch that somebody cancels ends with what it did; nothing is sent again."""
    pipeline.emulator.fault("cancel", share=0.5, times=1)

    pipeline.submit()

    assert pipeline.wait() == Finish()
    assert len(pipeline.emulator.batches()) == 1


def test_our_own_cancel_is_sent_again(pipeline: Any):
    """After a cancel of ours, a clear of `wait` sends what was not answered."""
    pipeline.submit()
    cancel(pipeline.store, pipeline.client)

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}


def test_named_lines_are_errors_and_the_others_go_again(pipeline: Any):
    """A batch that fails at validation costs the bad lines only."""
    pipeline.emulator.fault("fail_validation", lines=[2, 5], times=1)

    loaded = pipeline.run()

    assert loaded.counts == {"ok": 8, "error": 2}


def test_failure_without_lines_is_an_error_of_all(pipeline: Any):
    """A batch that fails for a reason without a line has no good rows."""
    pipeline.emulator.fault("fail_validation", lines=[None])

    pipeline.submit()

    assert pipeline.wait() == Finish()


def test_full_token_queue_is_waited_for(pipeline: Any):
    """Refused for lack of room, a shard is sent again later; no attempt is counted."""
    pipeline.emulator.fault("token_limit", times=2)

    loaded = pipeline.run()

    assert loaded.counts == {"ok": 10}
    assert [attempt for _, attempt in pipeline.table("id, batch_attempt")] == [1] * 10
    assert pipeline.times_executed == [1] * 10


def test_file_that_is_not_visible_yet(pipeline: Any):
    """Right after an upload the API may not find the file."""
    pipeline.emulator.fault("file_not_visible", times=2)

    assert pipeline.run().counts == {"ok": 10}


@pytest.mark.parametrize(
    "fault",
    [
        "output_late", "empty_ids", "absent_ids", "missing_keys", "null_counts", "upper_case", "iso_times",
        "no_expires_at", "body_as_string", "blank_lines", "no_final_newline", "empty_error_file",
        "no_line_ids", "missing_line_keys", "foreign_lines", "duplicate_lines",
    ],
)  # fmt: skip
def test_odd_servers_are_understood(pipeline: Any, fault: str):
    """Every dialect gives the same rows."""
    pipeline.emulator.fault(fault)

    assert pipeline.run().counts == {"ok": 10}


def test_line_separators_inside_answers_cut_nothing(pipeline: Any):
    """U+2028 and its kin belong to the text; only a line feed ends a line."""
    pipeline.output_type = None
    pipeline.emulator.fault("separators")

    pipeline.run()

    assert all("\u2028" in answer for _, answer in pipeline.table("id, answer"))


def test_missing_lines_go_again(pipeline: Any):
    """A request that is in neither file is missing, and asked again."""
    pipeline.emulator.fault("missing_lines", share=0.5, times=1)

    assert pipeline.run().counts == {"ok": 10}


def test_malformed_lines_are_not_fatal(pipeline: Any):
    """A line cut in the middle loses one answer, not the file."""
    pipeline.emulator.fault("malformed_lines", share=0.5, times=1)

    loaded = pipeline.run()

    assert loaded.rows == 10
    assert loaded.counts["ok"] > 0


def test_unknown_status_word_is_waited_for(pipeline: Any):
    """A word that nobody knows is not an end and no error."""
    pipeline.emulator.fault("status_word", times=3)

    assert pipeline.run().counts == {"ok": 10}


def test_batch_that_vanishes_is_unknown(pipeline: Any):
    """A batch that the API does not know for half an hour is lost; nothing is paid again by itself."""
    pipeline.submit()
    pipeline.emulator.fault("vanished", times=None)

    assert pipeline.wait() == Finish()
    assert len(pipeline.emulator.batches()) == 1


def test_passing_404_is_no_loss(pipeline: Any):
    """A 404 for a minute says nothing."""
    pipeline.submit()
    pipeline.emulator.fault("vanished", times=1)

    pipeline.advance()
    pipeline.emulator.clear_faults()

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}


def test_outage_is_ridden_out(pipeline: Any):
    """45 minutes of 503 while waiting are waited for."""
    pipeline.submit()
    pipeline.emulator.fault("outage", seconds=2_700)

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}


@pytest.mark.parametrize("fault", ["download_cut", "download_short", "server_error", "reset"])
def test_broken_download_is_tried_again(pipeline: Any, fault: str):
    """A short file is never read."""
    pipeline.submit()
    pipeline.emulator.fault(fault, route="content", times=7)

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}


@pytest.mark.parametrize("fault", ["download_cut", "reset", "server_error"])
def test_downloads_that_break_for_hours_lose_nothing(pipeline: Any, fault: str):
    """Answers that are paid for are waited for until the deadline, however often the connection breaks."""
    pipeline.submit()
    pipeline.emulator.fault(fault, route="content", times=None, seconds=4 * 3_600)

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}


def test_page_of_a_proxy_is_no_answer_file(pipeline: Any):
    """A proxy that answers 200 with a page of its own for an hour costs no answer and no second payment."""
    pipeline.submit()
    for route in ("file", "content"):
        pipeline.emulator.fault("unreadable", route=route, times=None, seconds=4_000)

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10


@pytest.mark.parametrize("fault", ["unavailable", "reset", "rate_limit", "upload_cut"])
def test_broken_upload_is_tried_again(pipeline: Any, fault: str):
    """An upload that breaks off leaves nothing that runs."""
    pipeline.emulator.fault(fault, route="upload", times=2)

    assert pipeline.run().counts == {"ok": 10}
    assert len(pipeline.emulator.batches()) == 1


def test_file_too_large_is_split(pipeline: Any):
    """413 halves the shard until it fits."""
    pipeline.emulator.fault("too_large", times=2)

    assert pipeline.run().counts == {"ok": 10}
    assert len(pipeline.emulator.batches()) == 3


def test_denied_key_ends_at_once(pipeline: Any):
    """401 is not waited out."""
    pipeline.submit()
    pipeline.emulator.fault("unauthorized", times=None)

    with pytest.raises(BatchFailed, match="401"):
        pipeline.advance()


@pytest.mark.parametrize("code", ["invalid_api_key", "The key is sk-abcd.", 401, None])
@pytest.mark.parametrize("route", ["list", "upload", "retrieve"])
def test_denied_key_is_not_told(pipeline: Any, route: str, code: Any):
    """The API's text about a refused key repeats a part of it; no error that we raise shows that text."""
    attempt = pipeline.stage().attempt
    if route == "retrieve":
        pipeline.advance(attempt)
    words = "Incorrect API key provided: sk-abcd."
    pipeline.emulator.fault("unauthorized", route=route, message=words, code=code)

    with pytest.raises(BatchFailed) as caught:
        # a process that has just staged has asked for the API's time, by a list, already
        pipeline.advance(None if route == "list" else attempt)

    assert "sk-abcd" not in "".join(traceback.format_exception(caught.value))


def test_refused_create_ends_with_the_apis_words(pipeline: Any):
    """What the API refuses for good is said in its own words, and a clear begins anew."""
    pipeline.emulator.fault("azure_error")

    step = pipeline.submit()

    assert isinstance(step, GiveUp)
    assert "not supported by the Batch API" in step.error
    assert isinstance(pipeline.advance(), GiveUp)
    assert isinstance(pipeline.submit(max_tries=1), Wait)
    assert pipeline.wait() == Finish()


@pytest.mark.parametrize("fault", ["unauthorized", "forbidden"])
def test_key_refused_at_create_goes_on_when_it_is_mended(pipeline: Any, fault: str):
    """A refused key ends the task at once and leaves nothing that a clear of submit must undo."""
    pipeline.emulator.fault(fault, route="create", times=1)

    with pytest.raises(BatchFailed, match="correct the password"):
        pipeline.submit()

    assert isinstance(pipeline.advance(), Wait)
    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert len(pipeline.emulator.batches()) == 1


def test_superseded_attempt_creates_nothing(pipeline: Any):
    """Of two live attempts the lower one writes a void and ends."""
    staged = pipeline.stage()
    Journal(pipeline.store, lambda: 0.0).register(read_run(pipeline.store))

    pipeline.advance(staged.attempt)

    assert pipeline.emulator.batches() == []
    assert len([name for name in pipeline.store.list() if "/void-" in name]) == 1


def test_two_live_attempts_make_one_batch(pipeline: Any):
    """Two processes of one task run at once: every request runs once."""
    pipeline.limits = {"requests_per_shard": 2}
    first, second = pipeline.stage(), pipeline.stage(try_number=2)
    started = threading.Barrier(2)

    def work(attempt: Any) -> None:
        api = openai.OpenAI(base_url=pipeline.emulator.base_url, api_key=pipeline.emulator.api_key)
        started.wait()
        advance(pipeline.store, Client(api), Settings(), attempt)

    threads = [threading.Thread(target=work, args=(staged.attempt,)) for staged in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert pipeline.wait() == Finish()
    assert pipeline.times_executed == [1] * 10


def test_deadline_passes_without_a_cancel(pipeline: Any):
    """Two hours after its end a batch that hangs is not waited for: its rows are unknown."""
    pipeline.emulator.fault("status_word", times=None)
    pipeline.submit()

    assert pipeline.wait() == Finish()
    assert all(batch["cancelling_at"] is None for batch in pipeline.emulator.batches())
    pipeline.emulator.clear_faults()
    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}


def test_nothing_is_sent_to_another_project(pipeline: Any):
    """While a doubt is open at a project that this connection does not see, no shard goes elsewhere."""
    pipeline.limits = {"requests_per_shard": 5}
    pipeline.emulator.fault("server_error", route="create")
    pipeline.emulator.fault("server_error", route="upload", skip=1, times=None)
    pipeline.submit()
    pipeline.emulator.clear_faults()
    pipeline.hide_files()
    pipeline.emulator.advance(100)

    with pytest.raises(RunUnreadable, match="do not belong together"):
        pipeline.advance()
    assert pipeline.emulator.batches() == []


def test_a_look_that_fails_shows_no_project(pipeline: Any):
    """A batch that could not be looked at is no sign that its project is the one that is sent to."""
    pipeline.limits = {"requests_per_shard": 5}
    pipeline.emulator.fault("server_error", route="upload", skip=1, times=None)
    pipeline.submit()
    pipeline.emulator.clear_faults()
    pipeline.emulator.fault("server_error", route="retrieve", times=None)
    pipeline.hide_files()
    pipeline.emulator.advance(100)

    with pytest.raises(RunUnreadable, match="do not belong together"):
        pipeline.advance()
    assert len(pipeline.emulator.batches()) == 1


def test_a_fence_that_may_have_failed_holds_what_another_key_would_send(pipeline: Any, caplog: Any):
    """Where our own delete may have acted, another key's 404 does not say that this is the run's project.

    The run waits for a person, who reads why.
    """
    pipeline.limits = {"requests_per_shard": 5}
    pipeline.emulator.fault("server_error", route="create")
    pipeline.emulator.fault("server_error", route="upload", skip=1, times=None)
    pipeline.submit()
    pipeline.emulator.advance(700)
    pipeline.emulator.fault("unavailable", route="delete", times=None)
    pipeline.advance()
    pipeline.emulator.clear_faults()
    pipeline.emulator.fault("not_found", route="delete", times=None)
    pipeline.hide_files()
    ours, pipeline.client.account = pipeline.client.account, "another"

    pipeline.emulator.advance(1_800)
    pipeline.advance()
    assert pipeline.emulator.batches() == []
    assert "was uploaded with another API key at http" in caplog.text

    pipeline.client.account = ours
    pipeline.emulator.clear_faults()
    assert pipeline.run().counts == {"ok": 10}


def test_a_page_that_is_no_answer_is_no_fence(pipeline: Any):
    """A proxy's 200 to a delete does not revoke the file: nothing is sent again on its word."""
    pipeline.emulator.fault("server_error", route="create")
    pipeline.submit()
    pipeline.emulator.advance(700)
    pipeline.emulator.fault("unreadable", route="delete", times=None, after=False)
    pipeline.advance()
    pipeline.emulator.advance(1_800)
    pipeline.advance()

    assert [send.fenced_at for send in read_run(pipeline.store).sends] == [None]
    pipeline.emulator.clear_faults()
    assert pipeline.run().counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10


def test_what_the_api_does_not_let_us_do_is_not_tried_at_once(pipeline: Any):
    """An outage of one route wakes no worker every few seconds: the pauses grow to a quarter of an hour."""
    pipeline.emulator.fault("unavailable", route="upload", times=None)
    pipeline.submit()
    uploads = 0
    for _ in range(120):
        now = pipeline.client.now()
        step = pipeline.advance()
        assert isinstance(step, Wait)
        assert step.until > now
        uploads = len([name for name in pipeline.store.list() if name.startswith("putoffs/")])
        pipeline.emulator.advance(60)

    assert uploads <= 12
    pipeline.emulator.clear_faults()
    assert pipeline.run().counts == {"ok": 10}


def test_file_of_another_project_stops_the_run(pipeline: Any):
    """A doubt whose file this connection does not see is not resolved by guessing."""
    pipeline.emulator.fault("server_error", route="create")
    pipeline.submit()
    pipeline.emulator.advance(700)
    pipeline.hide_files()

    with pytest.raises(RunUnreadable, match="do not belong together"):
        pipeline.advance()


def test_short_file_is_asked_for_more_than_once(pipeline: Any):
    """Half an hour that was an outage is not a half hour in which the file stayed short."""
    pipeline.emulator.fault("download_short", route="content", times=6, share=0.4)
    pipeline.submit()
    pipeline.emulator.advance(700)

    pipeline.advance()
    pipeline.emulator.advance(3_600)
    pipeline.advance()
    pipeline.emulator.clear_faults()

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
