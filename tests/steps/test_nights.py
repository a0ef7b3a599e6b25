"""Night after night over the same table: what is answered is not asked again."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.arguments.resend import DEFAULT
from airflow_provider_openai_batch.batch.cost.prices import Price, Prices
from airflow_provider_openai_batch.batch.decisions.actions import Finish
from airflow_provider_openai_batch.exceptions import InvalidRequest, TooManyFailures

ROOT = Path(__file__).parents[2]
LOGS = sorted((ROOT.parent / "shared/data").glob("loghub_*.log"))
PRICES = Prices(models={"gpt-5-mini": Price(input=0.25, output=2)})
ROWS = [(n, f"ticket {n}") for n in range(100)]
EVERYTHING = "id, label, batch_status, batch_custom_id, batch_run_id, batch_snapshot_at, batch_processed_at"


@pytest.fixture(params=["joined", "looked up"])
def nights(request: pytest.FixtureRequest, pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A first night over a hundred tickets, then a way to ask again: by a join, and by the keys alone."""
    elsewhere = {"conn_type": "sqlite", "host": str(pipeline.folder / "warehouse.db")}
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", json.dumps(elsewhere))
    made = Nights(pipeline, "warehouse" if request.param == "joined" else "elsewhere")
    made.pipeline.fill(ROWS)
    made.run("monday")
    return made


class Nights:
    """Runs over one table that follow each other."""

    def __init__(self, pipeline: Any, conn_id: str) -> None:
        self.pipeline, self.conn_id = pipeline, conn_id

    def stage(self, name: str, **changes: Any) -> Any:
        """Stage the rows as another DAG run does, a day later."""
        if name != self.pipeline.name:
            self.pipeline.emulator.advance(86_400)
        self.pipeline.name = name
        source = {"conn_id": self.conn_id} | {k: changes.pop(k) for k in ("sql",) if k in changes}
        return self.pipeline.stage(source=source, **changes)

    def run(self, name: str, **changes: Any) -> Any:
        """Do a whole night; the answer is what was staged and what was loaded."""
        staged = self.stage(name, **changes)
        self.pipeline.advance(staged.attempt)
        self.pipeline.wait()
        return staged, self.pipeline.load()

    def change(self, statement: str) -> None:
        """Do what a person or another task does to the database."""
        with sqlite3.connect(self.pipeline.folder / "warehouse.db") as database:
            database.execute(statement)

    def table(self) -> list[tuple[Any, ...]]:
        return self.pipeline.table(EVERYTHING)  # type: ignore[no-any-return]


def test_an_identical_night_is_free(nights: Nights):
    """All rows are answered: nothing is staged, uploaded, or sent, and both tasks succeed."""
    before = nights.table()

    staged, loaded = nights.run("tuesday")

    assert (staged.rows, staged.skipped, staged.requests, staged.shards) == (100, 100, 0, 0)
    assert (loaded.rows, loaded.written, loaded.failed_ratio) == (0, 0, 0.0)
    assert (nights.table(), nights.pipeline.sent) == (before, 100)
    assert isinstance(nights.pipeline.advance(), Finish)


def test_new_changed_and_failed_rows_are_sent(nights: Nights):
    """Ten that came, three that changed, and five that had failed: eighteen requests."""
    nights.change("update labels set batch_status = 'failed', label = null where id < 5")
    nights.pipeline.fill([*ROWS[:90], *((n, f"changed {n}") for n in range(90, 93)), *ROWS[93:], *NEW])

    staged, loaded = nights.run("tuesday")

    assert (staged.rows, staged.skipped, staged.requests) == (110, 92, 18)
    assert (loaded.counts, nights.pipeline.sent) == ({"ok": 18}, 118)
    assert nights.pipeline.statuses() == {"ok": 110}


NEW = [(n, f"new {n}") for n in range(200, 210)]


def test_a_changed_prompt_is_counted_and_asked_on_demand(nights: Nights, caplog: pytest.LogCaptureFixture):
    """Another prompt sends nothing by itself: the log says how many rows it would; then all are sent."""
    caplog.set_level(logging.INFO)
    nights.pipeline.client.prices = PRICES
    nights.pipeline.prompt = "Now classify: {body}"

    staged, _ = nights.run("tuesday")

    assert (staged.requests, staged.summary()["changed_prompt"]) == (0, 100)
    told = "100 of the skipped rows were answered for another prompt"
    (warning,) = (r.getMessage() for r in caplog.records if told in r.getMessage())
    assert re.search(r"add 'changed_prompt' to resend to ask them again, for about [\d.]+ USD\.$", warning)
    staged, loaded = nights.run("wednesday", resend=(*DEFAULT, "changed_prompt"))
    assert (staged.requests, staged.changed_prompt, loaded.written) == (100, 0, 100)
    assert nights.stage("thursday").requests == 0


def test_a_second_output_type_is_told_of(nights: Nights, caplog: pytest.LogCaptureFixture):
    """Two tasks that fill one table with other answers: the second sends nothing, and says what it would."""
    other = {"type": "object", "properties": {"label": {"type": "string", "enum": ["good", "bad"]}}}
    nights.pipeline.client.prices = PRICES
    before = nights.table()

    staged, _ = nights.run("tuesday", output_type=other)

    assert (staged.requests, staged.changed_prompt, nights.table()) == (0, 100, before)
    assert "100 of the skipped rows were answered for another prompt, model, output type" in caplog.text
    assert " USD." in caplog.text


@pytest.mark.parametrize("resend", [None, (*DEFAULT, "changed_prompt")])
def test_a_fixed_prompt_reaches_what_it_broke(nights: Nights, resend: tuple[str, ...] | None):
    """Invalid rows stay as they are until the prompt changes, and are then sent in any case."""
    nights.change("update labels set batch_status = 'invalid', label = null where id < 50")
    assert nights.stage("tuesday").requests == 0

    nights.pipeline.prompt = "Answer with one word. {body}"

    assert nights.stage("wednesday", resend=resend).requests == (50 if resend is None else 100)


def test_a_second_template_column_is_a_changed_prompt(nights: Nights):
    """Rows do not count as changed because more of their columns are asked about."""
    nights.pipeline.prompt = "Classify: {body} ({id})"

    staged = nights.stage("tuesday")

    assert (staged.requests, staged.changed_prompt) == (0, 100)


def test_a_renamed_column_changes_nothing(nights: Nights):
    """The hash of the names differs, but the request is the same one, byte for byte."""
    nights.pipeline.prompt = "Classify: {text}"

    staged = nights.stage("tuesday", sql="select id, body as text from tickets")

    assert (staged.requests, staged.changed_prompt) == (0, 0)


def test_late_answers_do_not_replace_newer_ones(nights: Nights):
    """A night that lands after the next one leaves the row that the next one has answered anew."""
    nights.pipeline.fill([(0, "edited"), *ROWS[1:]])
    late = nights.stage("tuesday")
    nights.pipeline.advance(late.attempt)
    nights.pipeline.fill([(0, "edited again"), *ROWS[1:]])
    nights.run("wednesday")
    answered = nights.table()

    nights.pipeline.name = "tuesday"
    nights.pipeline.wait()
    loaded = nights.pipeline.load()

    assert (loaded.rows, loaded.written, loaded.kept) == (1, 0, 1)
    assert nights.table() == answered


def test_a_load_cleared_later_changes_no_newer_row(nights: Nights):
    """A load of Monday that is cleared on Friday lands its own rows again, and none of Thursday's."""
    nights.pipeline.fill([(0, "edited"), *ROWS[1:]])
    nights.run("thursday")
    thursday = nights.table()

    nights.pipeline.name = "monday"
    loaded = nights.pipeline.load()

    assert (loaded.rows, loaded.written, loaded.kept) == (100, 99, 1)
    assert nights.table() == thursday


def test_a_clear_of_submit_lands_its_own_rows_for_free(nights: Nights):
    """Rows of this very run are never skipped: they land again, and nobody is asked."""
    before = nights.table()

    staged, loaded = nights.run("monday", max_tries=1)

    assert (staged.skipped, staged.requests, loaded.written) == (0, 100, 100)
    assert nights.pipeline.sent == 100
    assert [row[:5] for row in nights.table()] == [row[:5] for row in before]


def test_what_a_person_decided_is_neither_sent_nor_replaced(nights: Nights):
    """A status that is none of ours stays, whatever changed and whatever is asked again."""
    nights.change("update labels set batch_status = 'reviewed', label = 'mine' where id in (1, 2)")
    nights.pipeline.fill([(n, f"{body} changed") for n, body in ROWS])

    staged, _ = nights.run("tuesday", resend=("all",))
    assert (staged.requests, staged.skipped) == (98, 2)
    nights.pipeline.name = "monday"
    assert nights.pipeline.load().kept == 100

    assert [row[1:3] for row in nights.table()[1:3]] == [("mine", "reviewed")] * 2


@pytest.mark.parametrize("resend", [None, ("all",), (*DEFAULT, "changed_prompt")])
def test_answers_of_a_later_snapshot_are_left(nights: Nights, resend: tuple[str, ...] | None):
    """Whatever asks for a row: what the load would keep is not sent, not even for the run that wrote it."""
    nights.change("update labels set batch_snapshot_at = '2999-01-01T00:00:00.000000Z' where id < 10")
    nights.pipeline.fill([(n, f"{body} changed") for n, body in ROWS])

    staged, loaded = nights.run("tuesday", resend=resend)

    assert (staged.skipped, staged.requests, loaded.written, loaded.kept) == (10, 90, 90, 0)
    skipped = nights.stage("monday", resend=resend, max_tries=1).skipped
    assert skipped == (10 if resend == ("all",) else 100)


def test_a_key_that_is_no_utf8_is_found_again(nights: Nights):
    """It lands as it is read, and the next night knows it."""
    nights.change("create table odd (id text, body text)")
    nights.change("insert into odd values (cast(x'636166e9' as text), 'one'), ('1', 'two'), ('é', 'three')")
    target = arguments.target({"conn_id": "warehouse", "table": "odd_labels"})
    for name, skipped in [("tuesday", 0), ("wednesday", 3)]:
        staged, _ = nights.run(name, sql="select * from odd", target=target)
        assert (staged.rows, staged.skipped) == (3, skipped)


def test_a_row_without_a_status_is_sent(nights: Nights):
    """NULL says that nobody has answered."""
    nights.change("update labels set batch_status = null where id = 7")
    assert nights.stage("tuesday").requests == 1


@pytest.mark.parametrize(
    ("status", "word"),
    [("failed", "failed"), ("error", "error"), ("refused", "refused"), ("unknown", "unknown")],
)
def test_a_list_takes_the_place_of_the_default(nights: Nights, status: str, word: str):
    """What is not on the list is not sent again."""
    nights.change(f"update labels set batch_status = '{status}' where id < 3")
    nights.change("update labels set batch_status = 'expired' where id = 50")
    assert nights.stage("tuesday", resend=(word,)).requests == 3
    assert nights.stage("wednesday", resend=()).requests == 0


def test_chronic_failures_do_not_fail_every_night(nights: Nights):
    """Rows that had failed before are no news; the first night that they fail, the load says so."""
    nights.change("update labels set batch_status = 'failed' where id < 60")
    nights.pipeline.emulator.fault("cancel", share=0.0, times=2)

    for tries in (0, 1):  # also after a clear, when the run itself has written the rows
        _, loaded = nights.run("tuesday", max_tries=tries)
        assert (loaded.rows, loaded.counts, loaded.failed_ratio) == (60, {"cancelled": 60}, 0.0)
        assert "limits['max_failed_ratio'] leaves out 60 rows" in str(loaded)


def test_a_clear_does_not_hide_failures_of_its_own_run(nights: Nights):
    """Rows that this very run has landed as failed are judged again after a clear."""
    nights.pipeline.fill([*ROWS, *NEW])
    nights.pipeline.emulator.fault("cancel", share=0.0, times=2)
    with pytest.raises(TooManyFailures):
        nights.run("tuesday")

    with pytest.raises(TooManyFailures, match=r"100\.0% of 10 rows"):
        nights.run("tuesday", max_tries=1)


def test_a_retry_goes_on_with_what_was_decided(nights: Nights):
    """Between two tries the target may change: the snapshot does not."""
    nights.pipeline.fill([*ROWS, *NEW])
    first = nights.stage("tuesday")
    nights.change("update labels set batch_status = 'failed'")

    again = nights.stage("tuesday", try_number=2)

    assert (again.rows, again.skipped, again.requests) == (110, 100, 10) == (
        first.rows, first.skipped, first.requests
    )  # fmt: skip


def test_a_table_without_hashes_tells_changes_by_the_request(nights: Nights):
    """Where nothing says what has changed, a changed row counts as one of another prompt."""
    nights.change("alter table labels drop column batch_input_hash")
    nights.change("alter table labels drop column batch_prompt_version")
    nights.pipeline.fill([(0, "edited"), *ROWS[1:]])

    staged = nights.stage("tuesday")

    assert (staged.requests, staged.skipped, staged.changed_prompt) == (0, 100, 1)
    assert nights.stage("wednesday", resend=("changed_prompt",)).requests == 1


def test_prompt_versions_alone_tell_changed_inputs(nights: Nights):
    """The same prompt with another request is another text."""
    nights.change("alter table labels drop column batch_input_hash")
    nights.pipeline.fill([(0, "edited"), *ROWS[1:]])
    assert nights.stage("tuesday").requests == 1


def test_first_rows_of_a_trial(nights: Nights):
    """A trial reads no more rows than it is told; those that are answered are skipped."""
    nights.pipeline.fill([*NEW, *ROWS])
    nights.pipeline.limits = {"rows": 15}

    staged, loaded = nights.run("tuesday")

    assert (staged.rows, staged.skipped, loaded.written) == (15, 5, 10)


def test_a_preview_sends_nothing_now_or_later(nights: Nights):
    """It leaves the requests in the run's folder; a clear without it sends them, from the same files."""
    nights.pipeline.fill([*ROWS, *NEW])
    nights.pipeline.limits = {"preview": True}
    staged = nights.stage("tuesday")
    assert (staged.preview, staged.requests, staged.skipped) == (True, 10, 100)
    assert staged.estimated_tokens > 0
    assert isinstance(nights.pipeline.advance(staged.attempt), Finish)
    assert nights.pipeline.sent == 100
    shown = [name for name in nights.pipeline.store.list() if name.endswith("requests.jsonl")]
    assert len(shown) == 1
    with pytest.raises(InvalidRequest, match="was only previewed"):
        nights.pipeline.load()

    nights.pipeline.limits = {}
    _, loaded = nights.run("tuesday", max_tries=1)

    assert (loaded.counts, nights.pipeline.sent) == ({"ok": 10}, 110)
    assert [name for name in nights.pipeline.store.list() if name.endswith("requests.jsonl")] == shown


def test_a_preview_of_a_changed_run_leaves_what_is_in_flight(nights: Nights):
    """Whoever looks at what another prompt would send does not send it with the run that waits."""
    nights.pipeline.fill([*ROWS, *NEW])
    nights.pipeline.advance(nights.stage("tuesday").attempt)
    nights.pipeline.limits, nights.pipeline.prompt = {"preview": True}, "Other: {body}"
    nights.stage("tuesday", max_tries=1)

    nights.pipeline.wait()

    assert (nights.pipeline.load().counts, nights.pipeline.sent) == ({"ok": 10}, 110)
    assert [batch["status"] for batch in nights.pipeline.emulator.batches()] == ["completed"] * 2


def test_a_part_never_replaces_a_partition(pipeline: Any):
    """A trial of some rows would empty the rest of the partition; a preview may look at them."""
    target = arguments.target(
        {"conn_id": "warehouse", "table": "labels", "mode": "replace_partition", "partition": {"day": "d"}}
    )
    pipeline.limits = {"rows": 3}
    with pytest.raises(InvalidRequest, match="would replace the whole partition"):
        pipeline.stage(target=target)
    pipeline.limits = {"rows": 3, "preview": True}
    assert pipeline.stage(target=target).requests == 3


def test_a_partition_is_asked_whole_by_every_run(pipeline: Any):
    """`replace_partition` pays again in a new run; a clear of the old one is free."""
    target = arguments.target(
        {"conn_id": "warehouse", "table": "labels", "mode": "replace_partition", "partition": {"day": "d"}}
    )
    for name, tries, sent in [("run", 0, 10), ("run", 1, 10), ("next", 0, 20)]:
        pipeline.name = name
        pipeline.submit(target=target, max_tries=tries)
        pipeline.wait()
        assert pipeline.load().written == 10
        assert pipeline.sent == sent


def test_appended_runs_skip_what_the_latest_has_answered(pipeline: Any):
    """With `append` a night adds the rows that it has asked, and the latest row of a key decides."""
    target = arguments.target({"conn_id": "warehouse", "table": "labels", "mode": "append"})
    for name, sent in [("one", 10), ("two", 10), ("three", 12)]:
        pipeline.name = name
        if name == "three":
            pipeline.fill([(0, "edited"), *((n, f"ticket {n}") for n in range(1, 11))])
        pipeline.emulator.advance(86_400)
        pipeline.submit(target=target)
        pipeline.wait()
        pipeline.load()
        assert pipeline.sent == sent
    assert len(pipeline.table()) == 12


def test_files_are_read_back_on_demand(pipeline: Any, tmp_path: Path):
    """A path target sends everything unless `resend` is given; then it is looked at as a table is."""
    target = arguments.target({"path": f"file://{tmp_path}/labels", "mode": "append"})
    for name, resend, sent in [("one", None, 10), ("two", DEFAULT, 10), ("three", None, 20)]:
        pipeline.name = name
        pipeline.emulator.advance(86_400)
        pipeline.submit(target=target, resend=resend)
        pipeline.wait()
        pipeline.load()
        assert pipeline.sent == sent
    assert [len(pq.read_table(file)) for file in sorted((tmp_path / "labels").iterdir())] == [10, 10, 0]


@pytest.mark.skipif(not LOGS, reason="needs the public logs in ../shared/data")
def test_equal_lines_of_logs_are_asked_once(pipeline: Any):
    """Thousands of lines ask a few hundred questions; each lands in all its rows, and is booked on one."""
    lines = [line for log in LOGS for line in log.read_text("utf-8", "replace").splitlines()]
    rows = list(enumerate(lines))
    pipeline.fill(rows)
    with sqlite3.connect(pipeline.folder / "warehouse.db") as database:
        database.create_function("masked", 1, masked)
        database.execute("update tickets set body = masked(body)")
    distinct = len({masked(line) for line in lines})

    staged, loaded = stage_and_load(pipeline)

    assert staged.requests == distinct == pipeline.sent
    assert (staged.rows, staged.equal) == (len(rows), len(rows) - distinct)
    assert (loaded.rows, loaded.written) == (len(rows), len(rows))
    booked = sum(row[0] > 0 for row in pipeline.table("batch_input_tokens"))
    assert booked == distinct


def masked(line: str) -> str:
    """Take the numbers out of a line."""
    return "".join("0" if letter.isdigit() else letter for letter in line)


def stage_and_load(pipeline: Any) -> Any:
    """Do a whole run."""
    staged = pipeline.stage()
    pipeline.advance(staged.attempt)
    pipeline.wait()
    return staged, pipeline.load()
