"""Processes that die or overtake one another at the places where a request could be paid for twice."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import openai
import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.api.objects import Created, Refused, Unclear
from airflow_provider_openai_batch.batch.decisions.actions import Finish
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.wait.advance import advance
from airflow_provider_openai_batch.store.run_store import RunStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


NOTHING = "nothing any more"
HOUR = 3_600


class Killed(BaseException):
    """The process ended here."""


class OvertakenStore(RunStore):
    """Lets somebody else work just before a fact of ours is there; its nonces are the highest, or lowest."""

    def __init__(self, uri: str, before: str, overtake: Callable[[], Any]) -> None:
        super().__init__(ObjectStoragePath(uri))
        self.before, self.overtake = before, overtake
        self.letter = "f"

    def put(self, name: str, value: Any) -> None:
        """Let the other one work once, then write."""
        if self.before in name:
            self.before = NOTHING
            self.overtake()
        super().put(name, value)

    def nonce(self) -> str:
        """Win or lose a tie."""
        return self.letter * 2 + super().nonce()


class DyingClient(Client):
    """Calls create, and dies before the answer is anywhere."""

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Created | Refused | Unclear:
        """Act, and be gone."""
        super().create(file_id, endpoint, metadata)
        raise Killed


@pytest.fixture
def api(pipeline: Any) -> Iterator[openai.OpenAI]:
    """Calls of another process."""
    with openai.OpenAI(base_url=pipeline.emulator.base_url, api_key=pipeline.emulator.api_key) as made:
        yield made


@pytest.mark.parametrize("letter", ["0", "f"])
@pytest.mark.parametrize("before", ["attempts/", "/intent.json", "/batches/"])
def test_overtaken_process_pays_for_nothing_twice(
    pipeline: Any, api: openai.OpenAI, before: str, letter: str
):
    """Wherever another process does all that it can, one batch runs."""
    pipeline.stage()
    overtaken = OvertakenStore(pipeline.store.uri, before, pipeline.advance)
    overtaken.letter = letter

    advance(overtaken, Client(api), Settings())

    assert overtaken.before == NOTHING
    assert pipeline.wait() == Finish()
    assert pipeline.times_executed == [1] * 10
    assert len(pipeline.emulator.batches()) == 1
    assert pipeline.load().counts == {"ok": 10}


def test_process_that_dies_in_create_leaves_its_intent(pipeline: Any, api: openai.OpenAI):
    """Who comes next finds the batch, and does not make another."""
    attempt = pipeline.stage().attempt
    with pytest.raises(Killed):
        advance(pipeline.store, DyingClient(api), Settings(), attempt)

    pipeline.submit(try_number=2)

    assert pipeline.wait() == Finish()
    assert len(pipeline.emulator.batches()) == 1
    assert pipeline.times_executed == [1] * 10


def test_create_that_acts_after_the_fence_runs_nothing(pipeline: Any):
    """A create on its way is revoked with its file, before its rows go again."""
    pipeline.emulator.fault("server_error", route="create")
    pipeline.submit()
    pipeline.emulator.advance(700)
    pipeline.advance()

    (doubt,) = read_run(pipeline.store).sends
    late = pipeline.client.create(doubt.intent.file_id, "/v1/chat/completions", {})

    assert isinstance(late, Refused)
    assert pipeline.wait() == Finish()
    assert pipeline.times_executed == [1] * 10


def test_doubt_does_not_adopt_the_batch_of_another_run(pipeline: Any):
    """Two runs over the same rows make equal files; each has its own batch."""
    pipeline.submit()
    pipeline.name = "other"
    pipeline.emulator.fault("server_error", route="create")

    pipeline.submit()

    assert pipeline.wait() == Finish()
    assert len(pipeline.emulator.batches()) == 2
    (*_, adopted) = read_run(pipeline.store).sends
    assert adopted.batch is not None
    assert adopted.batch.input_file_id == adopted.intent.file_id


def test_answers_whose_file_is_gone_are_unknown(pipeline: Any):
    """What ran and cannot be read any more was paid for: it is not asked again by itself."""
    pipeline.limits = {"max_failed_ratio": 1}
    pipeline.submit()
    pipeline.emulator.fault("not_found", route="content", times=None)

    assert pipeline.wait() == Finish()
    assert len(pipeline.emulator.batches()) == 1
    assert pipeline.load().counts == {"unknown": 10}


def test_rows_without_any_answer_land(pipeline: Any):
    """A doubt that nobody could resolve for days ends as `unknown`, and not as rows that are not there."""
    pipeline.limits = {"max_failed_ratio": 1, "requests_per_shard": 5}
    pipeline.emulator.fault("server_error", route="create", after=True)
    pipeline.submit()
    pipeline.emulator.fault("server_error", route="list", times=None)
    pipeline.emulator.advance(700)
    pipeline.advance()
    pipeline.emulator.advance(27 * HOUR)

    assert pipeline.advance() == Finish()
    assert pipeline.load().counts == {"unknown": 5, "ok": 5}
    assert [row[0] for row in pipeline.table()] == list(range(10))


def test_failed_load_keeps_the_remote_files(pipeline: Any):
    """Until the rows are written, the API's copy of the answers stays."""
    pipeline.submit()
    pipeline.wait()
    before = pipeline.emulator.files()
    with sqlite3.connect(pipeline.folder / "warehouse.db") as database:
        database.execute("create table labels (id integer, label text)")

    with pytest.raises(InvalidRequest):
        pipeline.load()

    assert pipeline.emulator.files() == before


def test_status_that_nobody_knows_is_no_end(pipeline: Any):
    """A batch that is in a new state for an hour still runs: its requests are not missing."""
    pipeline.emulator.take(7_200)
    pipeline.submit()
    pipeline.emulator.fault("status_word", word="pondering", times=None)
    pipeline.emulator.fault("null_counts")
    for _ in range(5):
        pipeline.emulator.advance(900)
        pipeline.advance()
    pipeline.emulator.clear_faults()

    assert pipeline.wait() == Finish()
    assert len(pipeline.emulator.batches()) == 1
    assert pipeline.load().counts == {"ok": 10}
