"""What the folder tells: every file is a fact, and what cannot be understood stops the run."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.exceptions import RunUnlisted, RunUnreadable
from airflow_provider_openai_batch.steps.run_folder.read import known_files, read_run, read_send


def test_empty_folder_is_an_empty_run(pipeline: Any):
    """Nothing written is nothing known."""
    assert read_run(pipeline.store).empty


def test_snapshot_counts_from_done_on(pipeline: Any):
    """A staging that did not end is not a snapshot: its rows are not sent."""
    pipeline.stage()
    next(pipeline.folder.rglob("done.json")).unlink()

    run = read_run(pipeline.store)

    assert run.current is None
    assert len(run.snapshots) == 1


def test_crashed_staging_is_made_good(pipeline: Any):
    """The next try stages anew and uses the shards that are there."""
    pipeline.stage()
    next(pipeline.folder.rglob("done.json")).unlink()

    staged = pipeline.stage(try_number=2)

    assert staged.shards == len(list(pipeline.folder.rglob("requests.jsonl"))) == 1
    assert pipeline.run().counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10


def test_newer_files_are_refused_untouched(pipeline: Any):
    """A folder of a later version is not guessed at."""
    pipeline.stage()
    path = next(pipeline.folder.rglob("asked.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))

    with pytest.raises(RunUnreadable, match="newer version"):
        read_run(pipeline.store)


def test_damaged_file_stops_the_run(pipeline: Any):
    """A fact that cannot be read is not an absent fact."""
    pipeline.submit()
    next(pipeline.folder.rglob("intent.json")).write_bytes(b"")

    with pytest.raises(RunUnreadable, match=r"intent\.json"):
        pipeline.advance()


def test_purged_run_is_over(pipeline: Any):
    """What was thrown away is not sent again."""
    pipeline.store.put("purged.json", {})

    with pytest.raises(RunUnreadable, match="purged"):
        pipeline.stage()


def test_sends_to_another_api_count_as_none(pipeline: Any, monkeypatch: pytest.MonkeyPatch):
    """A run that moves to another server does not wait for the first one."""
    pipeline.submit()
    pipeline.wait()
    api = openai.OpenAI(base_url=f"{pipeline.emulator.base_url}/", api_key=pipeline.emulator.api_key)
    same = Client(api)
    other = Client(openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="sk"))

    assert len(read_run(pipeline.store, same.origin).sends) == 1
    assert read_run(pipeline.store, other.origin).sends == ()


def test_host_that_changed_stops_the_run(pipeline: Any):
    """Going on at another API would ask everything again; a clear may want just that."""
    pipeline.submit()
    host = pipeline.emulator.base_url.replace("127.0.0.1", "localhost")
    pipeline.client = Client(openai.OpenAI(base_url=host, api_key=pipeline.emulator.api_key))

    with pytest.raises(RunUnreadable, match="was sent to"):
        pipeline.advance()
    assert len(pipeline.emulator.batches()) == 1


def test_lost_batch_of_another_project_stops_the_run(pipeline: Any):
    """Batch and file both unknown: the key belongs to somebody else."""
    pipeline.submit()
    pipeline.emulator.fault("not_found", route="retrieve", times=None)
    pipeline.hide_files()

    with pytest.raises(RunUnreadable, match="do not belong together"):
        pipeline.advance()


def test_files_of_a_shard_are_known_as_they_are_now(pipeline: Any):
    """Another process writes an intent after this one has read the run: its file is not deleted."""
    pipeline.stage()
    store = pipeline.store
    shard = read_run(store).shards[0]

    pipeline.advance()

    send = read_run(pipeline.store).sends[0]
    assert known_files(store, shard.id) == {send.intent.file_id}
    assert read_send(store, send.folder) == send


def test_send_that_is_not_listed_yet_is_not_absent(pipeline: Any):
    """A store that lists late: nothing is decided on a send of which nothing is shown."""
    pipeline.submit()

    with pytest.raises(RunUnlisted, match=r"shards/x/sends/1/intent\.json"):
        read_send(pipeline.store, "shards/x/sends/1")
