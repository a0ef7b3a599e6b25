"""Shards go up while earlier ones are created, and none stays that was not sent."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, BinaryIO

import openai
import pytest

from airflow_provider_openai_batch.batch.api.objects import Created, InputFile, Refused, Unclear
from airflow_provider_openai_batch.batch.decisions.actions import Finish
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.client.transfers import LEAST, MOST_AHEAD, Transfers
from airflow_provider_openai_batch.exceptions import BatchFailed
from airflow_provider_openai_batch.steps.wait.advance import advance
from tests.steps.wait.several_shards import (
    LONGEST,
    SHARDS,
    Stopped,
    cut,
    error_of,
    failing,
    files_without_a_batch,
)
from tests.steps.wait.test_rounds import WatchedStore
from tests.world.in_order import InOrder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.steps.conftest import Pipeline


class ActingClient(Client):
    """Uploads one file after the other, as soon as it is begun, and does something else before some of it."""

    transfers = InOrder()
    before_upload: Callable[[int], object] = staticmethod(lambda number: None)
    before_create: Callable[[int], object] = staticmethod(lambda number: None)

    def __init__(self, api: openai.OpenAI) -> None:
        super().__init__(api)
        self.uploaded: list[str] = []
        self.created: list[str] = []

    def upload(self, name: str, file: BinaryIO) -> InputFile | Refused:
        """Act, then upload."""
        self.uploaded.append(name)
        self.before_upload(len(self.uploaded))
        return super().upload(name, file)

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Created | Refused | Unclear:
        """Act, then create."""
        self.created.append(metadata["shard"])
        self.before_create(len(self.created))
        return super().create(file_id, endpoint, metadata)


@pytest.fixture
def client(pipeline: Pipeline) -> Iterator[ActingClient]:
    """The client of a run of six shards."""
    cut(pipeline, SHARDS)
    emulator = pipeline.emulator
    with openai.OpenAI(base_url=emulator.base_url, api_key=emulator.api_key, max_retries=0) as api:
        yield ActingClient(api)


def submit(pipeline: Pipeline, client: Client, **changes: Any) -> None:
    """Stage the rows and send what can be sent."""
    advance(pipeline.store, client, Settings(), pipeline.stage(**changes).attempt)


def finish(pipeline: Pipeline) -> None:
    """Let the run end; each row was asked once, and no file is left."""
    assert pipeline.wait() == Finish()
    pipeline.load()

    assert pipeline.statuses() == {"ok": SHARDS}
    assert pipeline.times_executed == [1] * SHARDS
    assert pipeline.emulator.files() == []


def test_three_files_go_up_at_the_same_time(pipeline: Pipeline):
    """Each of the first three waits until all three are about to leave."""
    calls, together = cut(pipeline, SHARDS), threading.Barrier(MOST_AHEAD, timeout=LONGEST)
    calls.before = lambda kind, number: kind == "upload" and number <= MOST_AHEAD and together.wait()

    pipeline.submit()

    assert not together.broken
    assert (calls.counts["upload"], calls.counts["create"], calls.counts["delete"]) == (SHARDS, SHARDS, 0)
    finish(pipeline)


def test_files_go_up_while_a_batch_is_created(pipeline: Pipeline):
    """The first create waits until three further files are about to leave."""
    calls, are_ahead = cut(pipeline, SHARDS), threading.Event()

    def before(kind: str, number: int) -> None:
        if (kind, number) == ("upload", 1 + MOST_AHEAD):
            are_ahead.set()
        if (kind, number) == ("create", 1):
            assert are_ahead.wait(LONGEST)

    calls.before = before
    pipeline.submit()

    assert len(pipeline.emulator.batches()) == SHARDS
    finish(pipeline)


def test_batches_are_created_in_order(pipeline: Pipeline, client: ActingClient):
    """One after the other, as their files have gone up; and at most three of these are ahead."""
    ahead: list[int] = []
    client.before_create = lambda number: ahead.append(len(client.uploaded) - number)
    submit(pipeline, client)

    shards = [name.partition("-")[2].removesuffix(".jsonl") for name in client.uploaded]
    assert client.created == shards
    assert max(ahead) == MOST_AHEAD
    finish(pipeline)


@pytest.mark.parametrize(("shards", "least"), [(1, 0), (SHARDS, LEAST)])
def test_a_thread_is_for_several_large_shards(pipeline: Pipeline, shards: int, least: int):
    """One alone has nothing to go up beside, and a thread costs more than a small one."""
    calls, threads = cut(pipeline, shards), []
    pipeline.client.transfers = Transfers(least)
    calls.before = lambda kind, number: threads.append(threading.current_thread())

    pipeline.submit()

    assert set(threads) == {threading.main_thread()}


@pytest.mark.parametrize("status", [400, 500])
def test_a_failed_upload_is_that_of_its_own_shard(pipeline: Pipeline, client: ActingClient, status: int):
    """The second of six is refused a few times over; the others are sent."""
    client.before_upload = failing(2, error_of(status))
    submit(pipeline, client)

    sent = len(pipeline.emulator.batches())
    assert sent == SHARDS - 1
    assert files_without_a_batch(pipeline) == 0
    finish(pipeline)


def test_nothing_is_begun_once_the_api_asks_for_a_pause(pipeline: Pipeline, client: ActingClient):
    """The answer to the second upload says so: the first, which is there, is created, and that is all."""
    client.before_upload = failing(2, error_of(429, **{"retry-after": "600"}))

    submit(pipeline, client)

    assert (len(client.uploaded), len(client.created)) == (2, 1)
    assert files_without_a_batch(pipeline) == 0
    finish(pipeline)


def test_a_superseded_attempt_leaves_no_file(pipeline: Pipeline, client: ActingClient):
    """Another process sends everything just before the second intent of this one."""
    store = WatchedStore(pipeline.store.uri, 2, pipeline.advance)
    advance(store, client, Settings(), pipeline.stage().attempt)

    assert (len(client.uploaded), len(client.created)) == (2 + MOST_AHEAD, 1)
    assert len(pipeline.emulator.batches()) == SHARDS
    assert files_without_a_batch(pipeline) == 0
    finish(pipeline)


def test_a_file_that_cannot_be_deleted_is_deleted_by_load(pipeline: Pipeline, client: ActingClient):
    """The process writes down that there may be files."""
    pipeline.emulator.fault("forbidden", route="delete", times=2)
    store = WatchedStore(pipeline.store.uri, 2, pipeline.advance)
    advance(store, client, Settings(), pipeline.stage().attempt)

    assert files_without_a_batch(pipeline) == 2
    finish(pipeline)


def test_an_error_leaves_no_file(pipeline: Pipeline, client: ActingClient):
    """The key is refused at the second create: what has gone up after it goes, too."""
    refused = openai.AuthenticationError("Incorrect API key.", response=error_of(401).response, body={})
    client.before_create = failing(2, refused)
    with pytest.raises(BatchFailed):
        submit(pipeline, client)

    assert len(client.uploaded) == 2 + MOST_AHEAD
    assert files_without_a_batch(pipeline) == 1, "the second one has an intent, and is resolved"
    pipeline.emulator.advance(1_800)
    submit(pipeline, pipeline.client, try_number=2)
    finish(pipeline)


@pytest.mark.parametrize(("upload", "create", "files"), [(2, 0, 1), (3, 0, 2), (0, 2, 1 + MOST_AHEAD)])
def test_a_process_that_is_stopped_leaves_no_file(
    pipeline: Pipeline, client: ActingClient, upload: int, create: int, files: int
):
    """It calls the API no more, and writes down that there may be files; load deletes them."""
    client.before_upload, client.before_create = failing(upload, Stopped()), failing(create, Stopped())
    with pytest.raises(Stopped):
        submit(pipeline, client)
    assert files_without_a_batch(pipeline) == files

    pipeline.emulator.advance(1_800)
    submit(pipeline, pipeline.client, try_number=2)
    finish(pipeline)


def test_a_file_that_still_goes_up_is_waited_for(pipeline: Pipeline):
    """An upload whose end nobody waits for would leave a file of which nothing is known."""
    calls, is_superseded = cut(pipeline, SHARDS), threading.Event()

    def before(kind: str, number: int) -> None:
        if kind == "upload" and number > 1:
            is_superseded.wait(LONGEST)

    def supersede() -> None:
        calls.before = lambda kind, number: None
        pipeline.advance()
        is_superseded.set()

    calls.before = before
    store = WatchedStore(pipeline.store.uri, 1, supersede)
    advance(store, pipeline.client, Settings(), pipeline.stage().attempt)

    assert files_without_a_batch(pipeline) == 0
    finish(pipeline)


def test_after_a_refusal_files_wait_for_a_batch(pipeline: Pipeline):
    """Else each look would upload three files and delete them, for as long as the API is busy."""
    calls = cut(pipeline, SHARDS)
    pipeline.emulator.fault("rate_limit", route="create", times=None)
    pipeline.submit()
    first = calls.counts["upload"]
    pipeline.emulator.advance(1_800)
    calls.counts.clear()
    pipeline.advance()

    assert first > SHARDS
    assert calls.counts["upload"] == calls.counts["create"]
    pipeline.emulator.clear_faults()
    finish(pipeline)


def test_a_file_of_another_is_not_deleted(pipeline: Pipeline, client: ActingClient):
    """A gateway answers all uploads with the first file: a batch is being made of it."""
    shown: list[InputFile | Refused] = []

    class Confusing(ActingClient):
        """Shows the first file for every other one."""

        def upload(self, name: str, file: BinaryIO) -> InputFile | Refused:
            shown.append(super().upload(name, file))
            return shown[0] if len(shown) <= 4 else shown[-1]

    confusing = Confusing(client._api)
    store = WatchedStore(pipeline.store.uri, 1, lambda: None)
    confusing.before_create = failing(1, ValueError("the process fails here"))
    with pytest.raises(ValueError, match="fails"):
        advance(store, confusing, Settings(), pipeline.stage().attempt)

    assert isinstance(shown[0], InputFile)
    assert shown[0].id in {file["id"] for file in pipeline.emulator.files()}


def test_a_refused_key_is_reported(pipeline: Pipeline):
    """As without threads: the first one raises it, and the others are done with."""
    cut(pipeline, SHARDS)
    pipeline.emulator.fault("unauthorized", route="upload", times=None)

    with pytest.raises(BatchFailed, match="refuses the connection's key"):
        pipeline.submit()
    assert pipeline.emulator.files() == []
