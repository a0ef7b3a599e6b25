"""A store that lists new files late: an error that says so and passes, and nothing is paid twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.decisions.actions import Finish
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.exceptions import OpenAIBatchError, RunUnlisted
from airflow_provider_openai_batch.steps.load.load import load
from airflow_provider_openai_batch.steps.maintenance.run_status import status_of
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.run_folder.recorded import recorded_conn_id
from airflow_provider_openai_batch.steps.submit.stage import stage
from airflow_provider_openai_batch.steps.wait.advance import advance
from airflow_provider_openai_batch.store.run_store import RunStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.steps.conftest import Pipeline

STEPS: dict[str, Callable[[RunStore, Any], Any]] = {
    "advance": lambda store, client: advance(store, client, Settings()),
    "load": lambda store, client: load(store, client, Settings()),
    "status": lambda store, client: status_of(store, client, Settings()),
}


class LateStore(RunStore):
    """A folder of which a listing shows what `sees` lets through; what is named can be read."""

    def __init__(self, root: Any, sees: Callable[[str], bool]) -> None:
        super().__init__(root)
        self._sees = sees

    def _find(self, below: str) -> Iterator[str]:
        return (path for path in super()._find(below) if self._sees(str(path)))


def late(pipeline: Pipeline, *hidden: str) -> LateStore:
    root = ObjectStoragePath(pipeline.store.uri)
    return LateStore(root, lambda path: not any(part in path for part in hidden))


@pytest.mark.parametrize("hidden", ["", "done.json", "about.json", "shards/", "attempts/"])
def test_process_sees_what_it_has_written(pipeline: Pipeline, hidden: str):
    """A submit does not depend on what the store lists: what it has written is there."""
    store = late(pipeline, hidden)

    attempt = stage(pipeline.asked(), store, pipeline.client).attempt
    advance(store, pipeline.client, Settings(), attempt)

    assert len(pipeline.emulator.batches()) == 1
    assert isinstance(pipeline.wait(), Finish)
    assert pipeline.load().written == 10
    assert pipeline.times_executed == [1] * 10


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("hidden", ["about.json", "intent.json", "asked.json"])
def test_part_of_a_folder_is_not_taken_for_all(pipeline: Pipeline, step: str, hidden: str):
    """What a listing hides may be in flight: nothing is sent or called finished, and a retry goes on."""
    pipeline.submit()

    with pytest.raises(RunUnlisted, match="retry"):
        STEPS[step](late(pipeline, hidden), pipeline.client)

    assert isinstance(pipeline.wait(), Finish)
    assert pipeline.load().written == 10
    assert pipeline.times_executed == [1] * 10


@pytest.mark.parametrize("hidden", ["done.json", "snapshots/", ""])
@pytest.mark.parametrize("step", ["advance", "load"])
def test_run_without_a_snapshot_is_not_finished(pipeline: Pipeline, step: str, hidden: str):
    """A folder that shows nothing to send does not say that all is answered."""
    pipeline.submit()

    with pytest.raises(OpenAIBatchError, match=r"no complete snapshot \(yet\)|still in flight"):
        STEPS[step](late(pipeline, hidden), pipeline.client)

    assert isinstance(pipeline.wait(), Finish)
    assert pipeline.load().written == 10


def test_task_that_sees_no_run_is_retried(pipeline: Pipeline):
    """The wait starts right after the submit, perhaps before its files are listed."""
    pipeline.submit()

    with pytest.raises(RunUnlisted, match="retry"):
        recorded_conn_id(late(pipeline, "done.json"))


def test_shard_without_its_parent_is_not_read(pipeline: Pipeline):
    """The line of a shard is whole, or the folder is read later."""
    pipeline.emulator.fault("fail_requests", share=0.5)
    pipeline.submit()
    pipeline.wait()
    parent, child, *_ = sorted(read_run(pipeline.store).shards, key=lambda shard: shard.about.attempt)

    with pytest.raises(RunUnlisted, match=parent.id):
        read_run(late(pipeline, f"{parent.id}/"))

    assert child.about.parent == parent.id
