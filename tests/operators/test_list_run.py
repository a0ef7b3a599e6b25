"""Runs are entered into the index beside the task: what goes wrong with that is said, and stops nothing."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_openai_batch.operators.list_run import list_landed, list_staged
from airflow_provider_openai_batch.run_location import open_index
from airflow_provider_openai_batch.steps.run_index.read_index import Asked, read_page
from tests.steps import conftest as steps

pipeline = steps.pipeline
log = logging.getLogger("airflow.task")


@pytest.fixture(autouse=True)
def configured(pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the index be below the work path of the pipeline."""
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", f"file://{pipeline.folder}/runs")


def test_a_run_is_entered_once_however_often_its_task_is_tried(pipeline: Any):
    """A retry finds its entry; a load that is cleared enters what it wrote then."""
    for _ in range(2):
        pipeline.submit()
        list_staged(log, pipeline.store, pipeline.run_id)
    pipeline.wait()
    for _ in range(2):
        list_landed(log, pipeline.store, pipeline.load().report_uri)

    (one,) = read_page(open_index(), Asked(dags={"dag"})).runs

    assert (one.entry.run_uri, one.is_open) == (pipeline.store.uri, False)


def test_a_preview_is_not_a_run(pipeline: Any):
    """Nothing of it is sent, and nothing lands."""
    pipeline.limits = {"preview": True}
    pipeline.stage()
    list_staged(log, pipeline.store, pipeline.run_id)

    assert read_page(open_index(), Asked(dags={"dag"})).runs == ()


def test_an_index_that_cannot_be_written_fails_no_task(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """The log says it, and which command makes up for it."""
    (pipeline.folder / "runs").mkdir()
    (pipeline.folder / "runs/.index=1").write_text("a file where the folder is to be")
    pipeline.submit()

    list_staged(log, pipeline.store, pipeline.run_id)

    assert "status --index` enters it" in caplog.text
