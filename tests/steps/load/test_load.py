"""Answers become a table: joined, written at once, counted, and only then cleaned up."""

from __future__ import annotations

import sqlite3
from contextlib import nullcontext
from typing import Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.exceptions import (
    InvalidRequest,
    OpenAIBatchError,
    RunTimedOut,
    TooManyFailures,
)
from airflow_provider_openai_batch.steps.load.around import Place
from airflow_provider_openai_batch.steps.load.load import load, load_into
from airflow_provider_openai_batch.tables.resolve import resolve_target


def test_every_row_lands_once(pipeline: Any):
    """Key, label, and status of each row, in the type of the source."""
    loaded = pipeline.run()

    assert (loaded.rows, loaded.written, loaded.kept) == (10, 10, 0)
    assert [row[0] for row in pipeline.table()] == list(range(10))
    assert {row[1] for row in pipeline.table()} <= {"bug", "feature"}


def test_answers_go_to_their_own_rows(pipeline: Any):
    """In whatever order batches and lines come back, a row has the answer to its own text."""
    pipeline.limits = {"requests_per_shard": 3}
    pipeline.output_type = None  # the emulator then repeats the request

    pipeline.run()

    assert all(f"ticket {key}" in answer for key, answer in pipeline.table("id, answer"))


def test_load_that_was_overtaken_writes_nothing(pipeline: Any):
    """Rows that are staged anew while a load runs are loaded by the next one."""
    pipeline.submit()
    pipeline.wait()
    pipeline.load()

    class Overtaken:
        """A table during whose write submit is cleared."""

        def __init__(self, table: Any) -> None:
            self.check, self.bounds, self.table = table.check, table.bounds, table

        def opened(self) -> Any:
            return nullcontext(self)

        def write(self, landing: Any, batches: Any, guard: Any) -> Any:
            pipeline.fill([(7, "ticket 7")]).stage(max_tries=1)
            return self.table.write(landing, batches, guard)

    def place(asked: Any) -> Place:
        wanted = arguments.target(asked.target)
        return Place(args=wanted, table=Overtaken(resolve_target(wanted)))

    before = pipeline.table("*")
    with pytest.raises(RunTimedOut, match="staged the rows again"):
        load_into(pipeline.store, pipeline.client, Settings(), place)

    assert pipeline.table("*") == before


def test_load_waits_for_nothing_in_flight(pipeline: Any):
    """While an answer may come, nothing is written."""
    pipeline.submit()

    with pytest.raises(RunTimedOut, match="in flight"):
        pipeline.load()


def test_load_during_an_outage_is_tried_again(pipeline: Any):
    """Whether something is in flight cannot be told: that is not an answer, and no end."""
    pipeline.submit()
    pipeline.emulator.fault("outage", seconds=None)

    with pytest.raises(OpenAIBatchError, match="try again") as caught:
        pipeline.load()
    assert type(caught.value) is OpenAIBatchError


def test_loading_again_changes_nothing(pipeline: Any):
    """A cleared load lands the same rows and calls no API."""
    pipeline.run()
    before = pipeline.table("*")
    pipeline.emulator.fault("outage", seconds=None)

    loaded = pipeline.load()

    assert loaded.counts == {"ok": 10}
    assert pipeline.table("*") == before


def test_remote_files_are_deleted_after_the_commit(pipeline: Any):
    """Nothing of a landed run stays with the API."""
    pipeline.emulator.fault("fail_requests", share=0.5, times=1)

    pipeline.run()

    assert pipeline.emulator.files() == []


def test_files_that_turned_up_late_are_deleted(pipeline: Any):
    """A batch that has ended names its files only later: they are remembered, and deleted like others."""
    pipeline.emulator.fault("output_late", polls=2)

    assert pipeline.run().counts == {"ok": 10}
    assert pipeline.emulator.files() == []


def test_failed_clean_up_only_warns(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """What cannot be deleted expires by itself; the rows are written."""
    pipeline.submit()
    pipeline.wait()
    pipeline.emulator.fault("server_error", route="delete", times=None)

    assert pipeline.load().counts == {"ok": 10}
    assert "could not be deleted" in caplog.text


def test_clean_up_is_made_good(pipeline: Any):
    """The next load deletes what the last one could not."""
    pipeline.submit()
    pipeline.wait()
    pipeline.emulator.fault("server_error", route="delete", times=None)
    pipeline.load()
    pipeline.emulator.clear_faults()

    pipeline.load()

    assert pipeline.emulator.files() == []


def test_too_many_failures_are_landed_first(pipeline: Any):
    """The rows are in the table, then the task fails and says what went wrong."""
    pipeline.fill([(n, f"secret text {n}") for n in range(30)])
    pipeline.emulator.fault("fail_requests", share=0.5, status=400, code="invalid_prompt", permanent=True)
    pipeline.submit()
    pipeline.wait()

    with pytest.raises(TooManyFailures, match="invalid_prompt") as caught:
        pipeline.load()

    assert sum(pipeline.statuses().values()) == 30
    assert caught.value.loaded.counts == pipeline.statuses()
    assert "secret text" not in str(caught.value)
    assert "a clear of submit alone does not send them again" in str(caught.value)


def test_a_load_that_fails_says_what_a_clear_would_send(pipeline: Any):
    """Only what is asked again by a clear is named: the rest needs another request."""
    pipeline.emulator.fault("fail_requests", share=1, status=500, times=None)
    pipeline.submit()
    pipeline.wait()

    with pytest.raises(
        TooManyFailures, match="clear submit to send the rows again that are failed, or raise"
    ):
        pipeline.load()


def test_few_rows_are_not_judged(pipeline: Any):
    """Below 20 rows a ratio means little."""
    pipeline.emulator.fault("fail_requests", share=0.5, status=400, permanent=True)

    assert pipeline.run().rows == 10


def test_a_ratio_of_zero_fails_for_one_row_of_few(pipeline: Any):
    """The kind of fault: what was said plainly, that no row may fail, is ignored below 20 rows."""
    pipeline.emulator.fault("fail_requests", share=0.5, status=400, permanent=True)
    pipeline.limits = {"max_failed_ratio": 0}
    pipeline.submit()
    pipeline.wait()

    with pytest.raises(TooManyFailures, match="more than 0"):
        pipeline.load()


def test_run_without_any_good_row_fails(pipeline: Any):
    """Nothing but errors is a failure, however few rows there are."""
    pipeline.emulator.fault("fail_all", status=400)
    pipeline.submit()
    pipeline.wait()

    with pytest.raises(TooManyFailures, match="100"):
        pipeline.load()


def test_lost_batch_lands_as_unknown(pipeline: Any):
    """What nobody can tell is told as that."""
    pipeline.limits = {"max_failed_ratio": 1}
    pipeline.submit()
    pipeline.emulator.fault("vanished", times=None)
    pipeline.wait()

    assert pipeline.load().counts == {"unknown": 10}


def test_refused_and_truncated_answers_have_their_own_words(pipeline: Any):
    """A refusal is not an answer, and neither is half a text; the raw output is kept."""
    pipeline.limits = {"max_failed_ratio": 1}
    pipeline.emulator.fault("truncated", share=0.5)
    pipeline.output_type = None

    pipeline.run()

    cut = [
        row for row in pipeline.table("id, answer, batch_status, batch_raw_output") if row[2] == "truncated"
    ]
    assert cut
    assert all(answer is None and raw for _, answer, _, raw in cut)


def test_misfit_is_invalid(pipeline: Any):
    """Prose instead of a label is invalid, with the raw text kept."""
    pipeline.limits = {"max_failed_ratio": 1}
    pipeline.emulator.fault("misfit", share=0.5)

    pipeline.run()

    assert {"invalid", "ok"} == set(pipeline.statuses())


def test_persons_rows_are_kept(pipeline: Any):
    """A status that a person wrote is not overwritten."""
    pipeline.run()
    with sqlite3.connect(pipeline.folder / "warehouse.db") as database:
        database.execute("update labels set label = 'mine', batch_status = 'reviewed' where id = 3")

    loaded = pipeline.load()

    assert (loaded.written, loaded.kept) == (9, 1)
    assert pipeline.table()[3] == (3, "mine", "reviewed")


def test_another_target_is_refused(pipeline: Any):
    """Load writes where submit checked."""
    pipeline.submit()
    pipeline.wait()
    other = arguments.target({"conn_id": "warehouse", "table": "elsewhere"})

    with pytest.raises(InvalidRequest, match="another one"):
        load(pipeline.store, pipeline.client, Settings(), other)


def test_target_may_come_with_the_load(pipeline: Any):
    """Submit without a target leaves it to load."""
    pipeline.submit(target=None)
    pipeline.wait()
    target = arguments.target({"conn_id": "warehouse", "table": "later"})

    assert load(pipeline.store, pipeline.client, Settings(), target).written == 10
    assert len(pipeline.table(table="later")) == 10


def test_columns_are_renamed(pipeline: Any):
    """`columns` and `prefix` say what the target calls things."""
    target = arguments.target(
        {"conn_id": "warehouse", "table": "labels", "columns": {"label": "kind"}, "prefix": "ai_"}
    )
    pipeline.submit(target=target)
    pipeline.wait()
    pipeline.load()

    assert {status for _, _, status in pipeline.table("id, kind, ai_status")} == {"ok"}
