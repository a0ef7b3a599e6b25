"""Troubles that last for hours, and kills in their middle: what is paid for is kept, and nothing hangs."""

from __future__ import annotations

import shutil
from typing import Any

import openai
import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Finish, Wait
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.exceptions import RunUnreadable, TooManyFailures
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.wait.lost_folder import find_batches, forget

HOUR = 3_600
DAY = 24 * HOUR


def unlink(pipeline: Any, pattern: str) -> None:
    """Lose what a killed process had no time to write."""
    for path in pipeline.folder.glob(f"runs/**/{pattern}"):
        path.unlink()


@pytest.mark.parametrize("fault", ["download_cut", "unavailable"])
def test_answers_outlive_an_outage_of_the_files(pipeline: Any, fault: str):
    """Past its deadline a run loads without a file that cannot be read, keeps it, and collects it later."""
    pipeline.submit()
    pipeline.emulator.advance(27 * HOUR)
    pipeline.emulator.fault(fault, route="content", times=None)

    for _ in range(10):
        pipeline.advance()
        pipeline.emulator.advance(HOUR / 2)
    pipeline.advance()
    assert pipeline.advance() == Finish()
    with pytest.raises(TooManyFailures):
        pipeline.load()
    assert pipeline.statuses() == {"unknown": 10}

    pipeline.emulator.clear_faults()
    pipeline.emulator.advance(HOUR)
    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10


def test_short_file_does_not_take_the_place_of_the_whole(pipeline: Any):
    """A process dies after it has kept a file that stays short: the whole one is fetched when it is there."""
    pipeline.emulator.fault("download_short", route="content", times=None, share=0.4)
    pipeline.submit()
    pipeline.wait(1)
    assert list(pipeline.folder.rglob("output-short.jsonl"))
    unlink(pipeline, "answers.parquet")
    pipeline.emulator.clear_faults()

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10


def test_answered_requests_whose_file_is_not_named(pipeline: Any):
    """The API counts answers but names no file for an hour: they are waited for, not sent again."""
    pipeline.submit()
    pipeline.emulator.advance(HOUR)
    pipeline.emulator.fault("output_late", polls=10**6, seconds=HOUR, times=None)

    for _ in range(15):
        pipeline.advance()
        pipeline.emulator.advance(300)

    assert pipeline.wait() == Finish()
    assert pipeline.times_executed == [1] * 10


def test_kill_after_a_refused_upload(pipeline: Any):
    """An intent without a file is no doubt: nothing can be made of no file."""
    pipeline.emulator.fault("rate_limit", route="upload", times=1)
    pipeline.submit()
    unlink(pipeline, "refused-*.json")

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}


def test_lost_create_after_a_forgotten_folder(pipeline: Any):
    """Batches that were forgotten are not taken for the one that a doubt is about."""
    pipeline.submit()
    pipeline.emulator.advance(HOUR)
    shutil.rmtree(pipeline.folder / "runs")
    with pytest.raises(RunUnreadable):
        pipeline.submit()
    forget(pipeline.store, pipeline.client, find_batches(pipeline.store, pipeline.client).batches)
    pipeline.emulator.advance(HOUR)
    pipeline.emulator.fault("unavailable", route="create", times=1)
    pipeline.submit(max_tries=1)

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}


def test_stuck_batch_holds_no_room_for_ever(pipeline: Any):
    """A batch of another run that never ends takes its tokens out of the budget for a day, not for ever."""
    api = openai.OpenAI(base_url=pipeline.emulator.base_url, api_key=pipeline.emulator.api_key)
    pipeline.client = Client(api, {"gpt-5-mini": 100})
    pipeline.emulator.fault("status_word", word="finalizing", status="completed", times=None)
    pipeline.name = "stuck"
    pipeline.submit()
    pipeline.emulator.advance(2 * DAY)
    pipeline.emulator.clear_faults()
    pipeline.name = "next"
    pipeline.fill([(1, "other")])

    assert isinstance(pipeline.submit(), Wait)
    assert pipeline.wait() == Finish()


def test_batch_that_is_listed_but_not_found(pipeline: Any):
    """Retrieve answers 404 although the list has the batch: the list tells of its end."""
    pipeline.submit()
    pipeline.emulator.advance(HOUR)
    pipeline.emulator.fault("vanished", listed=True)

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10


def test_absurd_retry_after(pipeline: Any):
    """A server that asks to come back in fifty years is asked again after a day."""
    pipeline.emulator.fault("rate_limit", route="create", times=1, retry_after=pipeline.emulator.now)
    pipeline.submit()
    pipeline.emulator.advance(DAY + HOUR)

    assert pipeline.wait() == Finish()


def test_thousand_put_offs(pipeline: Any):
    """Weeks of an outage of one route leave nothing that breaks the run afterwards."""
    pipeline.stage()
    shard = read_run(pipeline.store).shards[0].id
    for number in range(1_100):
        pipeline.store.put(f"putoffs/{number:08x}.json", facts.PutOff(at=pipeline.client.now(), what=shard))
    pipeline.emulator.advance(HOUR)

    assert pipeline.run().counts == {"ok": 10}


def test_changed_key_proves_no_delete(pipeline: Any):
    """A fence whose delete failed is not taken for done because another key does not know the file."""
    pipeline.emulator.fault("server_error", route="create", after=True)
    pipeline.emulator.fault("list_lag", lag=DAY)
    pipeline.submit()
    pipeline.emulator.advance(700)
    pipeline.emulator.fault("unavailable", route="delete", times=None)
    pipeline.advance()
    pipeline.emulator.clear_faults()
    pipeline.emulator.fault("list_lag", lag=DAY)
    pipeline.emulator.fault("not_found", route="delete", times=None)
    pipeline.hide_files()
    ours, pipeline.client.account = pipeline.client.account, "another"

    for _ in range(8):
        pipeline.emulator.advance(900)
        pipeline.advance()
    assert not list(pipeline.folder.rglob("void-*.json"))

    pipeline.client.account = ours
    pipeline.emulator.clear_faults()
    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10
