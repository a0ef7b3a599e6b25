"""Files of answers come down while those of earlier batches are read."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, BinaryIO

import openai
import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Finish
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.client.transfers import LEAST, MOST_AHEAD, Transfers
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.wait.advance import advance
from airflow_provider_openai_batch.store.run_store import RunStore
from tests.steps.wait.several_shards import LONGEST, SHARDS, Calls, Stopped, cut, error_of, failing
from tests.world.in_order import InOrder
from tests.world.pipeline import run_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.steps.conftest import Pipeline


class ActingClient(Client):
    """Downloads one file after the other, as soon as it is begun, and does something else before some."""

    transfers = InOrder()
    before_download: Callable[[int], object] = staticmethod(lambda number: None)
    downloads = 0

    def download(self, file_id: str, into: BinaryIO, *bounds: int | None) -> None:
        """Act, then download."""
        self.downloads += 1
        self.before_download(self.downloads)
        super().download(file_id, into, *bounds)


@pytest.fixture
def calls(pipeline: Pipeline) -> Calls:
    """The calls of a run of six shards whose batches have all ended."""
    calls = cut(pipeline, SHARDS)
    pipeline.submit()
    pipeline.emulator.advance(700)
    calls.counts.clear()
    return calls


@pytest.fixture
def client(pipeline: Pipeline, calls: Calls) -> Iterator[ActingClient]:
    """Another client of that run."""
    emulator = pipeline.emulator
    with openai.OpenAI(base_url=emulator.base_url, api_key=emulator.api_key, max_retries=0) as api:
        yield ActingClient(api)


def collected(pipeline: Pipeline) -> int:
    """Count the sends whose answers are in the run folder."""
    return sum(send.tally is not None for send in read_run(pipeline.store).sends)


def scratch(pipeline: Pipeline) -> list[str]:
    """Name the files that nobody has finished."""
    return [path.name for path in pipeline.folder.rglob(".unfinished-*")]


def finish(pipeline: Pipeline) -> None:
    """Let the run end; each row has its answer."""
    assert pipeline.wait() == Finish()
    pipeline.load()

    assert pipeline.statuses() == {"ok": SHARDS}
    assert pipeline.emulator.files() == []
    assert scratch(pipeline) == []


def test_three_files_come_down_at_the_same_time(pipeline: Pipeline, calls: Calls):
    """Each of the first three waits until all three are asked for."""
    together = threading.Barrier(MOST_AHEAD, timeout=LONGEST)
    calls.before = lambda kind, number: kind == "content" and number <= MOST_AHEAD and together.wait()

    assert pipeline.advance() == Finish()

    assert not together.broken
    assert calls.counts["content"] == SHARDS
    finish(pipeline)


def test_files_come_down_while_answers_are_written(pipeline: Pipeline, calls: Calls):
    """The first answers wait until three further files are asked for."""
    are_ahead = threading.Event()
    calls.before = lambda kind, number: (kind, number) == ("content", 1 + MOST_AHEAD) and are_ahead.set()

    class Waiting(RunStore):
        """Does not take the answers of a send before that."""

        def _publish(self, scratch: str, name: str) -> bool:
            if name.endswith("answers.parquet"):
                assert are_ahead.wait(LONGEST)
            return super()._publish(scratch, name)

    store = Waiting(run_folder(f"file://{pipeline.folder}/runs", pipeline.run_id))

    assert advance(store, pipeline.client, Settings()) == Finish()
    finish(pipeline)


def test_at_most_three_files_are_ahead(pipeline: Pipeline, client: ActingClient):
    """What comes down waits on this disk for its turn."""
    most = []
    client.before_download = lambda number: most.append(number - 1 - collected(pipeline))

    assert advance(pipeline.store, client, Settings()) == Finish()

    assert (max(most), client.downloads) == (MOST_AHEAD, SHARDS)


@pytest.mark.parametrize(("shards", "least"), [(1, 0), (SHARDS, LEAST)])
def test_a_thread_is_for_several_large_shards(pipeline: Pipeline, shards: int, least: int):
    """One alone has nothing to come down beside, and a thread costs more than a small one."""
    calls = cut(pipeline, shards)
    pipeline.submit()
    pipeline.emulator.advance(700)
    threads: list[Any] = []
    pipeline.client.transfers = Transfers(least)
    calls.before = lambda kind, number: threads.append(threading.current_thread())

    assert pipeline.advance() == Finish()

    assert set(threads) == {threading.main_thread()}


@pytest.mark.parametrize("status", [404, 500])
def test_a_failed_download_is_that_of_its_own_send(pipeline: Pipeline, client: ActingClient, status: int):
    """The others are collected; it comes down at a later look."""
    client.before_download = failing(2, error_of(status))
    advance(pipeline.store, client, Settings())

    assert collected(pipeline) == SHARDS - 1
    finish(pipeline)


def test_nothing_is_begun_once_the_api_asks_for_a_pause(pipeline: Pipeline, client: ActingClient):
    """The answer about the second file says so: the first, which is there, is read, and that is all."""
    client.before_download = failing(2, error_of(429, **{"retry-after": "600"}))

    advance(pipeline.store, client, Settings())

    assert (client.downloads, collected(pipeline)) == (2, 1)
    assert scratch(pipeline) == []
    finish(pipeline)


def test_a_process_that_is_stopped_leaves_no_scratch_file(pipeline: Pipeline, client: ActingClient):
    """What has come before its turn goes with it."""
    client.before_download = failing(5, Stopped())
    with pytest.raises(Stopped):
        advance(pipeline.store, client, Settings())

    assert collected(pipeline) == 1
    assert scratch(pipeline) == []
    finish(pipeline)


def test_a_process_that_fails_does_not_wait_for_downloads(pipeline: Pipeline, calls: Calls):
    """A thread that finds its file closed ends; it asks for nothing more."""
    has_failed, threads = threading.Event(), []

    def before(kind: str, number: int) -> None:
        if kind == "content" and number > 1:
            threads.append(threading.current_thread())
            has_failed.wait(LONGEST)

    class Failing(RunStore):
        """Takes no answers."""

        def _publish(self, scratch: str, name: str) -> bool:
            if name.endswith("answers.parquet"):
                raise OSError("the disk is full")
            return super()._publish(scratch, name)

    calls.before = before
    store = Failing(run_folder(f"file://{pipeline.folder}/runs", pipeline.run_id))
    with pytest.raises(OSError, match="full"):
        advance(store, pipeline.client, Settings())
    has_failed.set()
    for thread in threads:
        thread.join(LONGEST)

    assert scratch(pipeline) == []
    assert calls.counts["content"] <= 1 + MOST_AHEAD
    finish(pipeline)
