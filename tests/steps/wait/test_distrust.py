"""Whole runs against an API that answers about other things, at wrong times, or without an end."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import openai
import pytest

from airflow_provider_openai_batch.batch.api.objects import InputFile, Refused
from airflow_provider_openai_batch.batch.decisions.actions import Finish
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.exceptions import BatchFailed, InvalidRequest
from airflow_provider_openai_batch.steps.run_folder.journal import run_hash
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.wait.advance import advance
from airflow_provider_openai_batch.store.run_store import RunStore
from tests.steps.conftest import DAY, Pipeline
from tests.world.pipeline import run_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.api.objects import Batch

FORTY_DAYS = 40 * DAY


def connect(pipeline: Pipeline, retries: int = 0) -> None:
    """Begin a new process, with a client of its own."""
    pipeline.client.close()
    emulator = pipeline.emulator
    api = openai.OpenAI(base_url=emulator.base_url, api_key=emulator.api_key, max_retries=retries)
    pipeline.client = Client(api)


def assert_landed_once(pipeline: Pipeline, rows: int = 10) -> None:
    pipeline.emulator.clear_faults()
    assert isinstance(pipeline.wait(), Finish)
    pipeline.load()

    assert pipeline.statuses() == {"ok": rows}
    assert pipeline.times_executed == [1] * rows


def others(pipeline: Pipeline) -> None:
    """Somebody else's batch in the same account."""
    line = (
        b'{"custom_id":"x","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5-mini",'
        b'"messages":[{"role":"user","content":"x"}]}}\n'
    )
    uploaded = pipeline.client.upload("theirs.jsonl", io.BytesIO(line))
    assert isinstance(uploaded, InputFile)
    pipeline.client.create(uploaded.id, "/v1/chat/completions", {})


@pytest.mark.parametrize("route", ["retrieve", "create", "cancel"])
def test_mixed_up_answers_pay_for_nothing_twice(pipeline: Pipeline, route: str):
    """Of four answers in ten that show another batch none is taken for ours."""
    pipeline.limits = {"requests_per_shard": 4}
    pipeline.emulator.fault("wrong_batch", route=route, probability=0.4, seed=3)
    pipeline.submit()
    for _ in range(20):
        pipeline.emulator.advance(400)
        pipeline.advance()

    pipeline.emulator.clear_faults()
    assert isinstance(pipeline.wait(), Finish)
    pipeline.load()
    assert pipeline.statuses() == {"ok": 10}
    assert pipeline.times_executed == [1] * 10


def test_batch_of_an_earlier_send_is_not_that_of_a_later_one(pipeline: Pipeline):
    """A create that is answered with a batch that we have already made is a doubt, whatever it says."""
    pipeline.limits = {"requests_per_shard": 5}
    pipeline.emulator.fault(
        "wrong_input", times=None, skip=1, shows={"id": "batch_same", "input_file_id": None}
    )
    pipeline.emulator.fault("wrong_input", times=None, shows={"id": "batch_same", "input_file_id": None})
    pipeline.submit()

    recorded = [batch.id for send in read_run(pipeline.store).sends for batch in send.batches]
    assert len(recorded) == len(set(recorded))


@pytest.mark.parametrize("by", [FORTY_DAYS, -FORTY_DAYS, 7_200])
@pytest.mark.parametrize("lag", [0, 500])
def test_wrong_date_of_an_upload_delays_no_doubt(pipeline: Pipeline, by: int, lag: int):
    """One lie and one lost answer: the batch is found as ever."""
    pipeline.emulator.fault("date_skew", by=by, route="upload")
    pipeline.emulator.fault("server_error", route="create", after=True)
    if lag:
        pipeline.emulator.fault("list_lag", lag=lag)
    pipeline.submit()

    for _ in range(8):
        connect(pipeline)
        pipeline.emulator.advance(900)
        pipeline.advance()

    assert_landed_once(pipeline)


@pytest.mark.parametrize("by", [FORTY_DAYS, -FORTY_DAYS])
@pytest.mark.parametrize("acts", [True, False])
def test_intent_with_a_wrong_time_is_resolved(pipeline: Pipeline, by: int, acts: bool):
    """Where all dates lie while a shard is sent, its file's time bounds the intent's."""
    pipeline.emulator.fault("server_error", route="create", after=acts)
    pipeline.emulator.fault("date_skew", by=by, times=None)  # of the faults of a call, the first acts
    pipeline.submit()
    pipeline.emulator.clear_faults()
    (send,) = read_run(pipeline.store).sends
    assert send.is_misdated
    assert len(pipeline.emulator.batches()) == int(acts)

    for _ in range(12):
        connect(pipeline)
        pipeline.emulator.advance(900)
        pipeline.advance()

    assert_landed_once(pipeline)


@pytest.mark.parametrize("status", [500, 404])
def test_metadata_that_fail_for_ever_keep_no_answer_back(pipeline: Pipeline, status: int):
    """A proxy that knows the content of files only, and counts nothing that would show how long they are."""
    pipeline.submit()
    pipeline.emulator.fault("null_counts")
    pipeline.emulator.fault("metadata_unavailable", status=status)
    pipeline.wait()
    pipeline.load()

    assert pipeline.statuses() == {"ok": 10}


def test_endless_file_is_bounded_by_its_requests(pipeline: Pipeline):
    """It is asked for again later, and leaves nothing in the run folder; what comes in the end lands."""
    pipeline.output_type = None
    pipeline.submit()
    pipeline.emulator.fault("metadata_unavailable")
    pipeline.emulator.fault("endless_file", times=2)
    pipeline.emulator.advance(900)
    pipeline.advance()
    assert not list(pipeline.folder.rglob("*.unfinished-*"))

    assert_landed_once(pipeline)


@pytest.mark.parametrize("acts", [True, False])
@pytest.mark.parametrize("retries", [0, 2])
def test_unclear_upload_leaves_no_file(pipeline: Pipeline, acts: bool, retries: int):
    """A copy that an unclear upload has made is deleted; the API holds no file of the run at its end."""
    connect(pipeline, retries)
    fault = "upload_unclear" if acts else "server_error"
    pipeline.emulator.fault(fault, route="upload")
    pipeline.submit()
    names = [file["filename"] for file in pipeline.emulator.files()]
    assert all(name.startswith(run_hash(pipeline.store)) for name in names)
    assert len(names) == bool(retries)

    assert_landed_once(pipeline)
    assert pipeline.emulator.files() == []


@pytest.mark.parametrize("name", ["theirs.jsonl", f"{'ab' * 16}-{'cd' * 12}-0.jsonl"])
@pytest.mark.parametrize("retries", [0, 1])
def test_an_upload_that_shows_anothers_file_runs_nothing_of_it(pipeline: Pipeline, name: str, retries: int):
    """KIND: an answer about another thing, here to an upload. Another's requests are not paid for."""
    line = (
        b'{"custom_id":"x","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5-mini",'
        b'"messages":[{"role":"user","content":"x"}]}}\n'
    )
    theirs = pipeline.client.upload(name, io.BytesIO(line))
    assert isinstance(theirs, InputFile)
    connect(pipeline, retries)
    pipeline.emulator.fault("wrong_file", route="upload", times=1)
    pipeline.submit()

    assert_landed_once(pipeline)
    assert [file["id"] for file in pipeline.emulator.files()] == [theirs.id]


@pytest.mark.parametrize(
    "shows", [{"filename": "renamed.jsonl"}, {"filename": "x", "bytes": 0}, {"bytes": 1}]
)
def test_a_server_that_shows_its_own_names_and_sizes_is_believed(pipeline: Pipeline, shows: Any):
    """Some servers store another file than they were given; the list shows none of ours beside it."""
    uploaded = InputFile(id="file-1", filename="f-0.jsonl", bytes=10)
    shown = msgspec.structs.replace(uploaded, **shows)

    class Renaming(Client):
        def upload(self, name: str, file: BinaryIO) -> InputFile | Refused:
            made = super().upload(name, file)
            assert isinstance(made, InputFile)
            return msgspec.structs.replace(shown, id=made.id, created_at=made.created_at)

        def files_named(self, start: str, oldest: float) -> list[InputFile]:
            return []

    pipeline.client.close()
    emulator = pipeline.emulator
    api = openai.OpenAI(base_url=emulator.base_url, api_key=emulator.api_key, max_retries=0)
    pipeline.client = Renaming(api)
    pipeline.submit()

    assert_landed_once(pipeline)


@pytest.mark.parametrize("status", [300, 302, 304, 307])
def test_upload_that_acts_and_points_elsewhere_leaves_no_file(pipeline: Pipeline, status: int):
    """The kind: any answer but a refusal may follow an upload that was kept."""
    connect(pipeline, 1)
    pipeline.emulator.fault("redirect", route="upload", after=True, status=status, times=1)
    with suppress(openai.OpenAIError):
        pipeline.submit()
    assert len(pipeline.emulator.files()) <= 1

    pipeline.submit()
    assert_landed_once(pipeline)
    assert pipeline.emulator.files() == []


class Stopped(BaseException):
    """Airflow ends the task here, as it does at a time-out."""


class StoppedClient(Client):
    """A process that is stopped while it uploads, or while it counts the token queue after that."""

    where = "upload"
    uploads = 0

    def upload(self, name: str, file: BinaryIO) -> InputFile | Refused:
        """Act; then be stopped."""
        uploaded = super().upload(name, file)
        self.uploads += 1
        if self.where == "upload":
            raise Stopped
        return uploaded

    def list_back_to(self, oldest: float, most_pages: int | None = None) -> Iterator[Batch]:
        """Be stopped once the file is there."""
        if self.uploads:
            raise Stopped
        return super().list_back_to(oldest, most_pages)


class ForgetfulStore(RunStore):
    """Writes the first intent or not, and fails in either case."""

    has_failed = False
    writes = False

    def put(self, name: str, value: object) -> None:
        """Fail once."""
        if not name.endswith("/intent.json") or self.has_failed:
            super().put(name, value)
            return
        self.has_failed = True
        if self.writes:
            super().put(name, value)
        raise OSError("the storage did not answer")


@pytest.mark.parametrize("can_delete", [True, False])
@pytest.mark.parametrize("fault", ["redirect", "unauthorized", "forbidden"])
def test_final_error_after_an_upload_leaves_no_file(pipeline: Pipeline, fault: str, can_delete: bool):
    """KIND: an error between an upload and its intent. Nothing in the run folder named the file."""
    pipeline.client.token_budgets = {"gpt-5-mini": 1_000_000}
    pipeline.emulator.fault(fault, route="list", skip=2, times=1)
    if not can_delete:
        pipeline.emulator.fault("forbidden", route="delete", times=1)
    with pytest.raises(InvalidRequest if fault == "redirect" else BatchFailed):
        pipeline.submit()
    assert len(pipeline.emulator.files()) == (not can_delete)

    pipeline.submit()
    assert_landed_once(pipeline)
    assert pipeline.emulator.files() == []


@pytest.mark.parametrize("where", ["upload", "count"])
def test_process_that_is_stopped_after_an_upload_leaves_no_file(pipeline: Pipeline, where: str):
    """It calls the API no more, and writes down that there may be a file; load deletes it."""
    attempt = pipeline.stage().attempt
    emulator, budgets = pipeline.emulator, {"gpt-5-mini": 1_000_000}
    with openai.OpenAI(base_url=emulator.base_url, api_key=emulator.api_key) as api:
        stopped = StoppedClient(api, budgets)
        stopped.where = where
        with pytest.raises(Stopped):
            advance(pipeline.store, stopped, Settings(), attempt)
    assert len(pipeline.emulator.files()) == 1

    pipeline.submit(try_number=2)
    assert_landed_once(pipeline)
    assert pipeline.emulator.files() == []


@pytest.mark.parametrize("writes", [True, False])
def test_intent_that_the_store_does_not_take_leaves_no_file(pipeline: Pipeline, writes: bool):
    """Whether it was written is unknown then, so its file stays until load: a doubt needs it."""
    attempt = pipeline.stage().attempt
    store = ForgetfulStore(run_folder(f"file://{pipeline.folder}/runs", pipeline.run_id))
    store.writes = writes
    with pytest.raises(OSError, match="did not answer"):
        advance(store, pipeline.client, Settings(), attempt)
    assert len(pipeline.emulator.files()) == 1

    pipeline.submit(try_number=2)
    assert_landed_once(pipeline)
    assert pipeline.emulator.files() == []


def test_upload_that_acts_late_is_cleaned_up(pipeline: Pipeline):
    """A copy that shows only after the looks at the files is deleted with the others.

    The first look is for a lost folder, the second one for what the upload left.
    """
    pipeline.emulator.fault("upload_unclear")
    pipeline.emulator.fault("not_found", route="files", times=2)
    pipeline.submit()
    assert len(pipeline.emulator.files()) == 1

    assert_landed_once(pipeline)
    assert pipeline.emulator.files() == []


def test_file_of_an_early_upload_is_looked_for_far_enough_back(pipeline: Pipeline):
    """KIND: a look back that begins at the first send. The file may be from days before it."""

    class Crowded(Client):
        """An account with so many files that the list is not read further back than asked."""

        def files_named(self, start: str, oldest: float) -> list[InputFile]:
            return [file for file in super().files_named(start, oldest) if (file.created_at or 0) >= oldest]

    pipeline.emulator.fault("upload_unclear")
    pipeline.emulator.fault("not_found", route="files", times=2)
    pipeline.submit()
    pipeline.emulator.advance(3 * DAY)

    pipeline.client.close()
    emulator = pipeline.emulator
    pipeline.client = Crowded(openai.OpenAI(base_url=emulator.base_url, api_key=emulator.api_key))
    assert_landed_once(pipeline)
    assert pipeline.emulator.files() == []


@pytest.mark.parametrize("fault", ["not_found", "server_error", "unreadable", "bad_gateway"])
def test_server_without_a_list_of_files(pipeline: Pipeline, fault: str):
    """Then what an unclear upload has made expires; the run goes on."""
    connect(pipeline, 1)
    pipeline.emulator.fault("upload_unclear")
    pipeline.emulator.fault(fault, route="files", times=None)
    pipeline.submit()

    pipeline.wait()
    pipeline.load()
    assert pipeline.statuses() == {"ok": 10}


def test_nested_metadata_in_the_list_stop_no_wait(pipeline: Pipeline):
    """Not even where a doubt is resolved by that list."""
    others(pipeline)
    pipeline.emulator.fault("server_error", route="create", after=True)
    pipeline.submit()
    pipeline.emulator.fault("nested_metadata")
    step: Any = pipeline.wait()

    assert isinstance(step, Finish)
    pipeline.load()
    assert pipeline.statuses() == {"ok": 10}
