"""Shards go up while later ones are staged; no batch is made before all are, and no file stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.cost.prices import Price, Prices
from airflow_provider_openai_batch.batch.decisions.actions import Finish
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.exceptions import BatchFailed, InvalidRequest
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.submit.stage import stage
from airflow_provider_openai_batch.steps.wait.advance import advance
from airflow_provider_openai_batch.steps.wait.early_uploads import FRESH, MOST_EARLY, early_uploads
from tests.steps.wait.several_shards import Stopped, cut, failing, files_without_a_batch
from tests.world.in_order import InOrder
from tests.world.pipeline import submit

if TYPE_CHECKING:
    from tests.steps.conftest import Pipeline
    from tests.steps.wait.several_shards import Calls

SHARDS = 6
#: The first shard is kept until it is known whether there are many rows, and the last one ends with them.
EARLY = SHARDS - 2


class Seen:
    """What was called before the snapshot was complete."""

    def __init__(self, pipeline: Pipeline, calls: Calls) -> None:
        self.before: list[str] = []
        self._pipeline = pipeline
        calls.before = self._see

    def _see(self, kind: str, number: int) -> None:
        if not any(one.done for one in read_run(self._pipeline.store).snapshots):
            self.before.append(kind)


def prepare(pipeline: Pipeline, shards: int = SHARDS) -> Calls:
    """Let the run have so many shards, each of which moves as soon as it is begun."""
    calls = cut(pipeline, shards)
    pipeline.client.transfers = InOrder()
    return calls


def finish(pipeline: Pipeline, shards: int = SHARDS) -> None:
    """Let the run end; each row was asked once, and no file is left."""
    assert pipeline.wait() == Finish()
    pipeline.load()

    assert pipeline.statuses() == {"ok": shards}
    assert pipeline.times_executed == [1] * shards
    assert pipeline.emulator.files() == []


def test_shards_go_up_before_the_rows_are_staged(pipeline: Pipeline):
    """Each goes up once, and nothing else is called before the snapshot is complete."""
    calls = prepare(pipeline)
    seen = Seen(pipeline, calls)
    submit(pipeline.asked(), pipeline.store, pipeline.client)

    assert seen.before == ["upload"] * EARLY
    assert (calls.counts["upload"], calls.counts["create"], calls.counts["delete"]) == (SHARDS, SHARDS, 0)
    finish(pipeline)


def test_threads_move_them(pipeline: Pipeline):
    """As above with threads, which may be at it still when the rows are staged."""
    calls = cut(pipeline, SHARDS)
    submit(pipeline.asked(), pipeline.store, pipeline.client)

    assert (calls.counts["upload"], calls.counts["create"], calls.counts["delete"]) == (SHARDS, SHARDS, 0)
    finish(pipeline)


def test_rows_that_turn_out_to_be_wrong_leave_no_file(pipeline: Pipeline):
    """A key is there twice, which shows at the last row: nothing runs, and what went up is deleted."""
    calls = prepare(pipeline)
    pipeline.fill([*((number, f"ticket {number}") for number in range(SHARDS)), (0, "once more")])
    with pytest.raises(InvalidRequest, match="more than once"):
        submit(pipeline.asked(), pipeline.store, pipeline.client)

    assert calls.counts["upload"] > 0
    assert calls.counts["create"] == 0
    assert pipeline.emulator.files() == []


@pytest.mark.parametrize("limits", [{"max_requests": 100}, {"preview": True}, {"max_cost_usd": 100.0}])
def test_nothing_goes_up_early_under_a_bound(pipeline: Pipeline, limits: dict[str, Any]):
    """It is compared with all rows, and "nothing was sent" is to be true where it is passed."""
    seen = Seen(pipeline, prepare(pipeline))
    pipeline.client.prices = Prices(models={"gpt-5-mini": Price(input=1, output=1)})
    asked = pipeline.asked(limits=arguments.limits(pipeline.limits | limits))
    submit(asked, pipeline.store, pipeline.client)

    assert "upload" not in seen.before


def test_nothing_goes_up_early_under_a_token_budget(pipeline: Pipeline):
    """Only a part of the shards is sent at once: the others would be deleted."""
    seen = Seen(pipeline, prepare(pipeline))
    pipeline.client.token_budgets = {"gpt-5-mini": 1_000_000}
    submit(pipeline.asked(), pipeline.store, pipeline.client)

    assert "upload" not in seen.before


def test_nothing_goes_up_early_when_the_run_has_been_sent(pipeline: Pipeline):
    """After a clear most of the answers are there already, or still come."""
    calls = prepare(pipeline)
    submit(pipeline.asked(), pipeline.store, pipeline.client)
    calls.before = lambda kind, number: None
    before = calls.counts["upload"]
    pipeline.fill([(number, f"other {number}") for number in range(SHARDS)])
    with early_uploads(pipeline.store, pipeline.client) as early:
        stage(pipeline.asked(max_tries=1), pipeline.store, pipeline.client, early)

    assert calls.counts["upload"] == before


def test_a_limited_number_goes_up_early(pipeline: Pipeline):
    """Where the account's queue is shorter than the run, the rest would go up for nothing."""
    shards = MOST_EARLY + 4
    seen = Seen(pipeline, prepare(pipeline, shards))
    submit(pipeline.asked(), pipeline.store, pipeline.client)

    assert seen.before == ["upload"] * MOST_EARLY
    finish(pipeline, shards)


def test_a_file_that_is_not_fresh_goes_up_anew(pipeline: Pipeline):
    """The times of a file and of its create are compared, to see which of two clocks is wrong."""
    calls = prepare(pipeline)
    with early_uploads(pipeline.store, pipeline.client) as early:
        staged = stage(pipeline.asked(), pipeline.store, pipeline.client, early)
        pipeline.emulator.advance(FRESH + 60)
        pipeline.client.tick()
        advance(pipeline.store, pipeline.client, Settings(), staged.attempt, early)

    assert (calls.counts["upload"], calls.counts["delete"]) == (SHARDS + EARLY, EARLY)
    assert files_without_a_batch(pipeline) == 0
    finish(pipeline)


def test_nothing_more_goes_up_early_where_rows_take_long(pipeline: Pipeline):
    """What went up first is not fresh any more: the uploads are not what submit waits for."""
    calls = prepare(pipeline)
    seen = Seen(pipeline, calls)
    inner = calls.before

    def before(kind: str, number: int) -> None:
        inner(kind, number)
        pipeline.emulator.advance(FRESH + 60)

    calls.before = before
    submit(pipeline.asked(), pipeline.store, pipeline.client)

    assert seen.before.count("upload") == 1
    finish(pipeline)


@pytest.mark.parametrize("fault", ["unavailable", "reset", "upload_unclear"])
def test_a_failed_upload_is_tried_again_in_its_turn(pipeline: Pipeline, fault: str):
    """And no further one begins early: perhaps the API asks for a pause."""
    calls = prepare(pipeline)
    seen = Seen(pipeline, calls)
    options = {} if fault == "upload_unclear" else {"route": "upload"}
    pipeline.emulator.fault(fault, times=1, **options)
    submit(pipeline.asked(), pipeline.store, pipeline.client)

    assert seen.before == ["upload"]
    assert files_without_a_batch(pipeline) == 0
    finish(pipeline)


def test_a_refused_key_leaves_no_file(pipeline: Pipeline):
    """It shows at the first upload, and fails the task when the rows are staged."""
    prepare(pipeline)
    pipeline.emulator.fault("unauthorized", route="upload", times=None)
    with pytest.raises(BatchFailed, match="refuses the connection's key"):
        submit(pipeline.asked(), pipeline.store, pipeline.client)

    assert pipeline.emulator.files() == []


@pytest.mark.parametrize("upload", [1, 3])
def test_a_process_that_is_stopped_leaves_no_file(pipeline: Pipeline, upload: int):
    """It calls the API no more; load deletes what went up, for there may be files that no intent names."""
    calls = prepare(pipeline)
    stop = failing(upload, Stopped())
    calls.before = lambda kind, number: kind == "upload" and stop(number)
    with pytest.raises(Stopped):
        submit(pipeline.asked(), pipeline.store, pipeline.client)
    assert files_without_a_batch(pipeline) == upload - 1

    calls.before = lambda kind, number: None
    submit(pipeline.asked(try_number=2), pipeline.store, pipeline.client)
    finish(pipeline)


@pytest.mark.parametrize("at", ["staging", "staged"])
def test_a_process_that_is_killed_leaves_no_file(pipeline: Pipeline, at: str):
    """It cannot write down anything any more: that there may be files was written before the first one."""
    calls = prepare(pipeline)
    early = early_uploads(pipeline.store, pipeline.client)
    kept = early.__enter__()  # and it is never left
    if at == "staging":
        stop = failing(3, Stopped())
        calls.before = lambda kind, number: kind == "upload" and stop(number)
        with pytest.raises(Stopped):
            stage(pipeline.asked(), pipeline.store, pipeline.client, kept)
    else:
        stage(pipeline.asked(), pipeline.store, pipeline.client, kept)
    left = files_without_a_batch(pipeline)
    assert left == (2 if at == "staging" else EARLY)

    calls.before = lambda kind, number: None
    submit(pipeline.asked(try_number=2), pipeline.store, pipeline.client)
    finish(pipeline)


def test_a_superseded_attempt_leaves_no_file(pipeline: Pipeline):
    """Another process stages and sends everything while this one has just staged it."""
    prepare(pipeline)
    with early_uploads(pipeline.store, pipeline.client) as early:
        staged = stage(pipeline.asked(), pipeline.store, pipeline.client, early)
        submit(pipeline.asked(try_number=2), pipeline.store, pipeline.client)
        advance(pipeline.store, pipeline.client, Settings(), staged.attempt, early)

    assert len(pipeline.emulator.batches()) == SHARDS
    assert files_without_a_batch(pipeline) == 0
    finish(pipeline)


def test_a_full_queue_leaves_no_file(pipeline: Pipeline):
    """The account takes no batch now: what went up early is deleted, and goes up again later."""
    prepare(pipeline)
    pipeline.emulator.fault("token_limit", times=1)
    submit(pipeline.asked(), pipeline.store, pipeline.client)

    assert files_without_a_batch(pipeline) == 0
    finish(pipeline)
