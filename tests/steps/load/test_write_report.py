"""Each load leaves a report whose figures are the table's, that quotes no row, and that stops no load."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.report.report_values import Report
from airflow_provider_openai_batch.exceptions import TooManyFailures
from airflow_provider_openai_batch.store.run_store import RunStore

if TYPE_CHECKING:
    from pathlib import Path

LABELS = [f"label-{n}" for n in range(77)]
CANARY = "CANARY-of-a-row-58314"
ROWS = 240


def reports(pipeline: Any) -> list[Report]:
    """Read all reports of the run."""
    names = [name for name in pipeline.store.list() if re.fullmatch(r"reports/[\w-]+/report\.json", name)]
    return [pipeline.store.get(name, Report) for name in sorted(names)]


def ask(pipeline: Any, sql: str) -> list[tuple[Any, ...]]:
    """Ask the target."""
    with sqlite3.connect(pipeline.folder / "warehouse.db") as database:
        return database.execute(sql).fetchall()


@pytest.fixture
def loaded(pipeline: Any) -> Any:
    """A run of several shards, equal rows, and failures of several kinds, landed."""
    pipeline.emulator.restart(seconds_to_complete=600, fail_ratio=0.2)
    pipeline.output_type = LABELS
    pipeline.limits = {"requests_per_shard": 70, "max_failed_ratio": 1, "max_attempts": 2}
    pipeline.fill([(n, f"{CANARY} {n % 200}") for n in range(ROWS)])
    pipeline.emulator.fault("misfit", share=0.1)
    pipeline.emulator.fault("truncated", share=0.1)
    pipeline.loaded = pipeline.run()
    return pipeline


def test_figures_are_the_tables(loaded: Any):
    """What the report says of rows can be asked of the target in SQL, and is the same."""
    (report,) = reports(loaded)

    assert report.counts == loaded.loaded.counts == loaded.statuses()
    assert len(report.counts) > 2
    assert (report.rows, report.written, report.requests) == (ROWS, ROWS, 200)
    names = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
    sums = ", ".join(f"coalesce(sum(batch_{name}), 0)" for name in names)
    assert [tuple(msgspec.structs.astuple(report.tokens))] == ask(loaded, f"select {sums} from labels")
    by_model = f"select batch_model, count(*), {sums} from labels where batch_model is not null group by 1"
    assert {(use.model, use.rows, *msgspec.structs.astuple(use.tokens)) for use in report.models} == set(
        ask(loaded, by_model)
    )
    labels = "select label, count(*) from labels group by 1"
    (spread,) = report.labels
    found = dict(ask(loaded, labels))
    assert spread.empty == found.pop(None)
    assert {label.value: label.rows for label in spread.labels if label.rows}.items() <= found.items()
    assert sum(label.rows for label in spread.labels) + spread.others == sum(found.values())
    attempts = "select batch_attempt, count(*) from labels group by 1"
    assert {attempt.attempt: attempt.rows for attempt in report.attempts} == dict(ask(loaded, attempts))
    failures = (
        "select batch_status, batch_error_code, count(*) from labels where batch_status <> 'ok' group by 1, 2"
    )
    assert {(one.status, one.code): one.rows for one in report.failures} == {
        (status, code): rows for status, code, rows in ask(loaded, failures)
    }


def test_times_are_the_apis(loaded: Any):
    """Each send ended when the API says, and names its batch; retries are shards of their own."""
    (report,) = reports(loaded)
    batches = {batch["id"]: batch for batch in loaded.emulator.batches()}

    sends = {send.batch_id: send for shard in report.shards for send in shard.sends}
    assert sends.keys() == batches.keys()
    for name, send in sends.items():
        assert (send.created_at, send.ended_at) == (
            batches[name]["created_at"],
            batches[name]["completed_at"],
        )
        assert report.submitted_at == send.submitted_at <= send.created_at + 1  # API time is in whole seconds
    assert {shard.attempt for shard in report.shards} == {1, 2}
    assert sum(shard.requests for shard in report.shards if shard.attempt == 1) == 200


@pytest.mark.parametrize("shows", [True, False], ids=["shown", "hidden"])
def test_no_row_is_quoted(pipeline: Any, shows: bool):
    """Neither file holds text of a row; keys are there only where they may be shown."""
    pipeline.show_keys = shows
    pipeline.limits = {"max_failed_ratio": 1}
    pipeline.fill([(77_058_314_000 + n, f"{CANARY} {n}") for n in range(10)])
    pipeline.emulator.fault("fail_all", status=400, message=f"You said {CANARY}", code=f"bad {CANARY}")
    pipeline.run()

    names = [name for name in pipeline.store.list() if name.startswith("reports/")]
    files = {name[-4:]: pipeline.store.open(name).read().decode() for name in names}
    assert files.keys() == {"json", "html"}
    for text in files.values():
        assert "(no code)" in text
        assert CANARY not in text
        assert ("77058314" in text) is shows
    assert ("show_keys is False" in files["html"]) is not shows


def test_each_load_has_its_own(loaded: Any):
    """A load that is repeated writes another report beside the first."""
    again = loaded.load()

    first, second = reports(loaded)
    assert again.report_uri != loaded.loaded.report_uri
    assert msgspec.structs.replace(first, at=0.0) == msgspec.structs.replace(second, at=0.0)


def test_its_page_is_named(loaded: Any):
    """The URI is in the log's line and the XCom, and the page is there; the XCom stays small."""
    uri = loaded.loaded.report_uri

    assert uri is not None
    assert uri.startswith(f"{loaded.store.uri}/reports/")
    name = uri.removeprefix(f"{loaded.store.uri}/")
    assert loaded.store.open(name).read().startswith(b"<!DOCTYPE html>")
    assert str(loaded.loaded).endswith(f"\nReport: {uri}")
    assert loaded.loaded.summary()["report_uri"] == uri
    assert len(json.dumps(loaded.loaded.summary())) < 1_000


def test_it_is_there_when_a_load_fails(pipeline: Any):
    """Rows of a load with too many failures are landed, and so is its report, which the error names."""
    pipeline.emulator.fault("fail_all", status=400)
    pipeline.submit()
    pipeline.wait()

    with pytest.raises(TooManyFailures) as caught:
        pipeline.load()

    (report,) = reports(pipeline)
    assert report.counts == {"error": 10}
    assert caught.value.loaded.report_uri in str(caught.value)


class FullDisk(RunStore):
    """A folder that takes no report any more."""

    def put(self, name: str, value: object) -> None:
        if name.startswith("reports/"):
            raise OSError(f"No space left for {name}")
        super().put(name, value)


def test_a_report_that_fails_stops_no_load(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """The rows are in the target: the load warns, cleans up, and ends well."""
    pipeline.submit()
    pipeline.wait()
    pipeline.__class__ = type("Full", (type(pipeline),), {
        "store": property(lambda self: FullDisk(ObjectStoragePath(super(type(self), self).store.uri))),
    })  # fmt: skip

    loaded = pipeline.load()

    assert (loaded.counts, loaded.report_uri) == ({"ok": 10}, None)
    assert "Report" not in str(loaded)
    assert "The report could not be written (OSError)" in caplog.text
    assert pipeline.emulator.files() == []


def test_a_run_without_rows(pipeline: Any, tmp_path: Path):
    """Nothing to do is a report, too."""
    pipeline.fill([]).run()

    (report,) = reports(pipeline)
    assert (report.rows, report.shards, report.counts) == (0, (), {})
