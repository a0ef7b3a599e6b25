"""Batches and files that a server shows for others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.api.objects import Created
from airflow_provider_openai_batch.steps.run_folder.file_names import batch_file
from airflow_provider_openai_batch.steps.run_folder.read import read_run

if TYPE_CHECKING:
    from tests.steps.conftest import Pipeline

ALL_OK = {"ok": 10}


@pytest.mark.parametrize("per_shard", [5, 4, 3])
@pytest.mark.parametrize("duration", [1_500, 6_000, 40_000])
def test_answers_in_the_file_of_a_send_that_has_ended_are_found(
    pipeline: Pipeline, per_shard: int, duration: int
) -> None:
    """Files that are swapped once the second of two batches has ended, when the first was collected."""
    pipeline.limits = {"requests_per_shard": per_shard}
    pipeline.emulator.fault("swapped_files")
    pipeline.emulator.fault("slow", duration=duration, skip=1)

    pipeline.run()

    assert pipeline.statuses() == ALL_OK
    assert pipeline.sent == 10
    assert pipeline.emulator.files() == []


def test_file_that_another_batch_names_by_now_is_asked_for_until_it_is_read(pipeline: Pipeline) -> None:
    """KIND: a file of answers that could not be read, here the one that was swapped with the send's own."""
    pipeline.limits = {"requests_per_shard": 5}
    pipeline.emulator.fault("swapped_files")
    pipeline.emulator.fault("slow", duration=6_000, skip=1)
    pipeline.emulator.fault("not_found", route="content", skip=3, times=1)

    pipeline.run()

    assert pipeline.statuses() == ALL_OK
    assert pipeline.sent == 10


def test_what_a_second_batch_of_a_file_may_hold_that_is_not_seen_is_not_asked_again(
    pipeline: Pipeline,
) -> None:
    """KIND: a batch that a look does not find, though the list has it. Its answers are paid for."""
    pipeline.limits = {"max_failed_ratio": 1.0}
    pipeline.emulator.fault("missing_lines", share=0.4, times=1)
    pipeline.submit()
    (send,) = read_run(pipeline.store).sends
    pipeline.emulator.advance(5)
    twin = pipeline.client.create(send.intent.file_id, "/v1/chat/completions", {})
    assert isinstance(twin, Created)
    pipeline.store.put(batch_file(send.folder, twin.batch.id), twin.batch)
    pipeline.emulator.fault("vanished", listed=True, times=None)

    pipeline.wait()
    pipeline.load()

    assert set(pipeline.statuses()) == {"ok", "unknown"}
    assert pipeline.sent == 20


@pytest.mark.parametrize("shown", ["batch_nobody", "BATCH_6A", "batch/../x?y#z"])
def test_batch_that_its_create_named_wrongly_is_found(pipeline: Pipeline, shown: str) -> None:
    """The list, by the input file, says which batch it is; nothing is asked twice."""
    pipeline.emulator.fault("wrong_input", times=1, shows={"id": shown})

    pipeline.run()

    assert pipeline.statuses() == ALL_OK
    assert pipeline.times_executed == [1] * 10


@pytest.mark.parametrize("others", ["ended", "running"])
def test_batch_of_others_that_a_create_named_is_left_alone(pipeline: Pipeline, others: str) -> None:
    """A create that answers with a batch of somebody else: ours is found, and theirs keeps its files."""
    theirs = replace(pipeline, name="theirs", prompt="Of others: {body}")
    theirs.submit()
    if others == "ended":
        theirs.wait()
    batch: dict[str, Any] = pipeline.emulator.batches()[0]
    pipeline.emulator.fault("wrong_input", times=1, shows={"id": batch["id"]})

    pipeline.run()

    assert pipeline.statuses() == ALL_OK
    assert pipeline.times_executed == [1] * 20
    assert theirs.wait() == theirs.advance()
    assert theirs.load().counts == ALL_OK
    assert [send.batch.id != batch["id"] for send in read_run(pipeline.store).sends if send.batch] == [True]


def test_server_with_other_file_ids_and_without_a_list(pipeline: Pipeline) -> None:
    """A gateway that names input files in its own way is not a reason to wait, or to ask again."""
    pipeline.submit()
    pipeline.emulator.fault("wrong_input", route="retrieve", times=None)
    pipeline.emulator.fault("no_list")

    pipeline.wait()
    pipeline.load()

    assert pipeline.statuses() == ALL_OK
    assert pipeline.times_executed == [1] * 10
