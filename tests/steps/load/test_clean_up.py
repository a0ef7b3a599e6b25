"""What the API keeps of a run is deleted after its commit, and nothing of that fails a load."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_openai_batch.batch.api.objects import Created
from airflow_provider_openai_batch.batch.run.facts import Cleaned
from airflow_provider_openai_batch.steps.load.clean_up import clean_up
from airflow_provider_openai_batch.steps.run_folder.file_names import batch_file
from airflow_provider_openai_batch.steps.run_folder.read import read_run


def cleaned(pipeline: Any) -> set[str]:
    """Return the files that are written down as gone."""
    store = pipeline.store
    names = [name for name in store.list() if name.startswith("cleaned-")]
    return {file_id for name in names for file_id in store.get(name, Cleaned).files}


def answered(pipeline: Any) -> Any:
    """Bring a run to where its load may begin."""
    pipeline.submit()
    pipeline.wait()
    return pipeline


def test_files_of_failed_refused_and_void_sends_go_too(pipeline: Any):
    """A refused create, a batch that failed, a doubt that was void: none leaves a file."""
    pipeline.limits = {"bytes_per_shard": 700, "max_failed_ratio": 1}
    pipeline.emulator.fault("fail_validation", times=1)
    pipeline.emulator.fault("rate_limit", route="create", times=1, skip=1)
    pipeline.emulator.fault("server_error", route="create", times=1, skip=2)
    pipeline.emulator.fault("server_error", route="delete", times=2)

    pipeline.run()

    run = read_run(pipeline.store)
    assert any(send.void for send in run.sends)
    assert any(send.refusals for send in run.sends)
    assert pipeline.emulator.files() == []


def test_files_of_a_twin_go_too(pipeline: Any):
    """Should a file have two batches, the answers of both are deleted."""
    pipeline.submit()
    send = read_run(pipeline.store).sends[0]
    twin = pipeline.client.create(send.intent.file_id, "/v1/chat/completions", {})
    assert isinstance(twin, Created)
    pipeline.store.put(batch_file(send.folder, twin.batch.id), twin.batch)
    pipeline.wait()

    pipeline.load()

    assert pipeline.emulator.files() == []


@pytest.mark.parametrize(
    "fault", ["server_error", "reset", "forbidden", "unauthorized", "conflict", "bad_gateway"]
)
def test_no_failure_fails_the_load(pipeline: Any, fault: str, caplog: pytest.LogCaptureFixture):
    """Whatever the API answers or does not, the rows are there; the next load deletes the rest."""
    answered(pipeline).emulator.fault(fault, route="delete", times=None)

    assert pipeline.load().counts == {"ok": 10}
    assert "2 remote files could not be deleted; clear load to try again" in caplog.text
    assert cleaned(pipeline) == set()
    pipeline.emulator.clear_faults()
    pipeline.load()
    assert pipeline.emulator.files() == []
    assert len(cleaned(pipeline)) == 2


@pytest.mark.parametrize("after", [True, False])
def test_a_page_that_is_no_answer_deletes_nothing(pipeline: Any, after: bool):
    """A proxy's 200 does not say whether the file is gone: the next load asks again."""
    answered(pipeline).emulator.fault("unreadable", route="delete", times=1, after=after)

    pipeline.load()
    assert len(cleaned(pipeline)) == 1
    pipeline.load()
    assert pipeline.emulator.files() == []
    assert len(cleaned(pipeline)) == 2


def test_an_outage_is_not_waited_out(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """After three failures in a row the rest is left: each takes as long as the client tries."""
    pipeline.limits = {"bytes_per_shard": 700}
    answered(pipeline).emulator.fault("outage", route="delete", times=3)

    pipeline.load()

    count = len(pipeline.emulator.files())
    assert count > 3
    assert f"{count} remote files could not be deleted" in caplog.text


def test_the_key_of_another_project_cleans_nothing(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """It knows neither files nor batches: that they are unknown does not mean that they are gone."""
    answered(pipeline).emulator.fault("not_found", route="delete", times=None)
    pipeline.emulator.fault("not_found", route="retrieve", times=None)

    assert pipeline.load().counts == {"ok": 10}
    assert "does not see 2 files of this run" in caplog.text
    assert cleaned(pipeline) == set()
    pipeline.emulator.clear_faults()
    pipeline.load()
    assert pipeline.emulator.files() == []


def test_what_is_gone_already_is_written_down(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """A connection that sees the batches also sees the files: unknown ones are gone, by whoever it was."""
    answered(pipeline)
    for file in pipeline.emulator.files():
        pipeline.client.delete(file["id"])

    pipeline.load()

    assert len(cleaned(pipeline)) == 2
    assert "not deleted" not in caplog.text


def test_a_store_that_fails_does_not_fail_the_load(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """The rows are written: also what the storage does then only warns."""
    answered(pipeline).load()
    (pipeline.folder / "runs/dag/task/run/cleaned-broken.json").write_text("{")

    clean_up(pipeline.store, pipeline.client, read_run(pipeline.store))

    assert "Remote files were not deleted (RunUnreadable)" in caplog.text
