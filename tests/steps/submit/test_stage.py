"""Rows become a snapshot: what is refused, what is equal, and what a retry or a clear sends."""

from __future__ import annotations

import io
import json
import random
import shutil
import sqlite3
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openai
import pyarrow.parquet as pq
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.decisions.actions import Finish
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError, RunUnreadable
from airflow_provider_openai_batch.steps.run_folder.journal import run_hash
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.submit.stage import stage
from benchmarks.many_batches import add_batches, counting
from tests.steps.wait.test_rounds import WatchedStore

if TYPE_CHECKING:
    from collections.abc import Iterator


def lines(pipeline: Any) -> list[dict[str, Any]]:
    """Return the lines of all shards."""
    store = pipeline.store
    names = sorted(name for name in store.list() if name.endswith("requests.jsonl"))
    found = []
    for name in names:
        with store.open(name) as file:
            found += [json.loads(line) for line in file]
    return found


def contents(pipeline: Any) -> list[str]:
    return [line["body"]["messages"][0]["content"] for line in lines(pipeline)]


def test_each_row_becomes_a_request(pipeline: Any):
    """The text of the row is in the line, in the place that the template says."""
    staged = pipeline.stage()

    assert (staged.rows, staged.requests, staged.shards, staged.equal) == (10, 10, 1, 0)
    assert contents(pipeline) == [f"Classify: ticket {n}" for n in range(10)]


def test_texts_are_never_templates(pipeline: Any):
    """Braces, percent signs, and odd line ends of a row arrive as they are."""
    texts = [
        "{{ 7*7 }}",
        "{% raw",
        "{text}",
        "{body}",
        "a\u2028b\u0085c",
        'say "hi"\\',
        "x\x00y",
        "\ufeffbom",
    ]
    pipeline.fill(list(enumerate(texts)))
    pipeline.prompt = "{body}"

    pipeline.stage()

    assert contents(pipeline) == texts


def test_equal_requests_are_one(pipeline: Any):
    """Rows that ask the same share one request, and each gets the answer."""
    pipeline.fill([(n, f"ticket {n % 3}") for n in range(10)])

    loaded = pipeline.run()

    assert (loaded.rows, len(pipeline.times_executed)) == (10, 3)
    labels = {row[0]: row[1] for row in pipeline.table()}
    assert all(labels[n] == labels[n % 3] for n in range(10))


def test_tokens_are_booked_once(pipeline: Any):
    """The sum over the rows is the sum over the requests."""
    pipeline.fill([(n, "same") for n in range(5)])

    pipeline.run()

    tokens = [tokens for _, tokens in pipeline.table("id, batch_input_tokens")]
    assert tokens[0] == sum(entry.input_tokens for entry in pipeline.emulator.ledger)
    assert tokens[1:] == [0] * 4


def test_retry_reuses_the_snapshot(pipeline: Any):
    """A second try with the same arguments does not read the source again."""
    pipeline.stage()
    pipeline.fill([(99, "changed meanwhile")])

    staged = pipeline.stage(try_number=2)

    assert staged.rows == 10


def test_retry_with_other_arguments_stages_anew(pipeline: Any):
    """A changed prompt is another snapshot, also on a retry."""
    pipeline.stage()
    pipeline.prompt = "Sort: {body}"

    pipeline.stage(try_number=2)

    assert len({name.split("/")[1] for name in pipeline.store.list() if name.endswith("done.json")}) == 2


def test_clear_in_another_order_sends_nothing(pipeline: Any):
    """Answered requests are not asked again, in whatever order the rows come."""
    pipeline.run()
    rows = [(n, f"ticket {n}") for n in range(10)]
    random.Random(1).shuffle(rows)
    pipeline.fill(rows)

    pipeline.submit(max_tries=5)

    assert pipeline.wait() == Finish()
    assert len(pipeline.emulator.batches()) == 1
    assert pipeline.load().counts == {"ok": 10}


def test_clear_while_in_flight_sends_only_what_is_new(pipeline: Any):
    """Rows that changed are asked; rows in flight are waited for; rows that left are dropped."""
    pipeline.submit()
    pipeline.fill([(n, f"ticket {n}") for n in range(5, 12)])

    pipeline.submit(max_tries=5)

    assert pipeline.wait() == Finish()
    assert sorted(b["request_counts"]["total"] for b in pipeline.emulator.batches()) == [2, 10]
    assert pipeline.load().rows == 7


def test_changed_prompt_sends_again(pipeline: Any):
    """Another prompt is another request."""
    pipeline.run()
    pipeline.prompt = "Sort: {body}"

    pipeline.submit(max_tries=5)

    assert pipeline.wait() == Finish()
    assert len(pipeline.emulator.batches()) == 2


def test_clear_gives_failed_rows_another_chance(pipeline: Any):
    """After a clear, what failed for the moment is asked again, and only that."""
    pipeline.emulator.fault("fail_requests", share=0.3, permanent=True, status=500)
    pipeline.submit()
    pipeline.wait()
    pipeline.emulator.clear_faults()

    pipeline.submit(max_tries=5)

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    answered = [entry.custom_id for entry in pipeline.emulator.ledger if entry.status == 200]
    assert len(answered) == len(set(answered)) == 10


def test_row_too_large_for_a_file_is_an_error_row(pipeline: Any):
    """It is answered at staging, with its size, and never sent."""
    pipeline.fill([(1, "short"), (2, "x" * 5_000)])
    pipeline.limits = {"bytes_per_shard": 2_000, "max_failed_ratio": 1}

    loaded = pipeline.run()

    assert loaded.counts == {"ok": 1, "error": 1}
    assert "5," in pipeline.table("id, batch_error_message")[1][1]
    assert len(lines(pipeline)) == 1


def test_shards_are_cut_by_bytes(pipeline: Any):
    """No file is larger than the limit."""
    pipeline.limits = {"bytes_per_shard": 2_000}

    staged = pipeline.stage()

    sizes = [path.stat().st_size for path in pipeline.folder.rglob("requests.jsonl")]
    assert staged.shards == len(sizes) > 1
    assert max(sizes) <= 2_000


@pytest.mark.parametrize(
    ("rows", "says"),
    [([(1, "a"), (None, "b")], "NULL"), ([(1, "a"), (1, "b")], "'1'"), ([(1.5, "a")], "float")],
)
def test_keys_must_tell_rows_apart(pipeline: Any, rows: Any, says: str):
    """NULL, repeated, and inexact keys fail before anything is sent."""
    pipeline.fill(rows)

    with pytest.raises(InvalidRequest, match=says):
        pipeline.stage()
    assert pipeline.emulator.files() == []


def test_unknown_column_is_named_with_those_that_exist(pipeline: Any):
    """A typing error in a template shows the columns."""
    pipeline.prompt = "{bodi}"

    with pytest.raises(InvalidRequest, match=r"bodi.*'body'"):
        pipeline.stage()


@pytest.mark.parametrize("part", [{"key": "nr"}, {"carry": ["nr"]}])
def test_unknown_key_or_carried_column(pipeline: Any, part: Any):
    """So does one in the source."""
    with pytest.raises(InvalidRequest, match=r"'nr'.*id, body"):
        pipeline.stage(source=part)


def test_columns_match_without_case(pipeline: Any):
    """Databases fold names; a DAG may write them as it likes."""
    pipeline.prompt = "{BODY}"

    assert pipeline.stage(source={"key": "ID"}).rows == 10


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Body", "The result would have the column 'body' twice; rename one with target['columns'] or"),
        (
            "body",
            "'body' is a column of the source and of the answers, and would land twice; give the source's",
        ),
        (
            "id",
            "'id' is a column of the source and of the answers, and would land twice; give the source's an",
        ),
        ("batch_model", "The answers have a column 'batch_model', as the result has of its own; set another"),
    ],
)
def test_clash_of_columns_is_refused(pipeline: Any, name: str, told: str):
    """Two columns of one name cannot both land; a rename helps where it can tell them apart."""
    pipeline.output_type = {"type": "object", "properties": {name: {"type": "string"}}}

    with pytest.raises(InvalidRequest) as caught:
        pipeline.stage(source={"carry": ["body"]})

    assert told in str(caught.value)


def test_clash_with_the_source_is_refused_without_a_target(pipeline: Any):
    """No target could take the answers, once they are paid for."""
    pipeline.output_type = {"type": "object", "properties": {"id": {"type": "string"}}}

    with pytest.raises(InvalidRequest, match="'id' is a column of the source and of the answers"):
        pipeline.stage(target=None)


def test_table_that_cannot_be_written_is_found_before_sending(pipeline: Any):
    """A target without a unique key is an error while it is still free."""
    with sqlite3.connect(pipeline.folder / "warehouse.db") as database:
        database.execute("create table labels (id integer, label text)")

    with pytest.raises(InvalidRequest):
        pipeline.stage()
    assert pipeline.emulator.files() == []


def test_unreachable_api_stages_nothing(pipeline: Any):
    """Without the API nothing is staged, and a retry may go on."""
    pipeline.emulator.stop()
    try:
        with pytest.raises(openai.APIConnectionError):
            pipeline.stage()
    finally:
        pipeline.emulator.start()

    assert pipeline.store.list() == frozenset()


def test_lost_folder_stops_the_run(pipeline: Any):
    """A run whose folder is gone but whose batches exist does not pay again."""
    pipeline.submit()
    shutil.rmtree(pipeline.folder / "runs")

    with pytest.raises(RunUnreadable, match="folder was lost"):
        pipeline.stage()


@pytest.fixture
def account(pipeline: Any) -> Iterator[tuple[Any, Counter[str]]]:
    """An account of 1,000 batches of the last 30 days, and the lists that submit asks for."""
    add_batches(pipeline.emulator._settings["data"], 1_000, pipeline.emulator.now)
    lists: Counter[str] = Counter()
    client = counting(pipeline.emulator, lists)
    yield replace(pipeline, client=client), lists
    client.close()


def test_new_run_does_not_read_the_list_of_an_account(account: Any):
    """A task that has never run has sent nothing: its run's files and the newest batches are looked for."""
    pipeline, lists = account

    pipeline.stage()

    assert lists == {"/v1/batches": 1, "/v1/files": 1}


@pytest.mark.parametrize("doubt", ["a later try", "no list of files", "a file of the run"])
def test_list_of_batches_is_read_where_the_run_may_have_sent(account: Any, doubt: str):
    """Whatever leaves a doubt is worth the whole list."""
    pipeline, lists = account
    if doubt == "no list of files":
        pipeline.emulator.fault("not_found", route="files", times=None)
    if doubt == "a file of the run":
        pipeline.client.upload(f"{run_hash(pipeline.store)}-0.jsonl", io.BytesIO(b"{}\n"))

    pipeline.stage(try_number=2 if doubt == "a later try" else 1)

    assert lists["/v1/batches"] >= 10


def test_server_without_a_list_is_used(pipeline: Any):
    """A server that lists no batches is not a reason to stop."""
    pipeline.emulator.fault("no_list")

    assert pipeline.stage().rows == 10


def test_empty_source_is_staged_as_nothing(pipeline: Any):
    """A quiet night is normal: no request, no file."""
    pipeline.fill([])

    assert pipeline.stage().rows == 0
    assert pipeline.advance() == Finish()
    assert pipeline.emulator.files() == []
    assert pipeline.load().rows == 0


def test_snapshot_can_be_read_with_any_tool(pipeline: Any):
    """The run folder is plain Parquet, JSON, and JSON lines."""
    pipeline.stage(source={"carry": ["body"]})

    rows = pq.read_table(next(pipeline.folder.rglob("rows-0000.parquet")))

    assert rows.column_names == ["id", "body", "_failed_before", "_input_hash", "_custom_id", "_first"]
    assert rows["id"].to_pylist() == list(range(10))


def test_overtaken_first_try_stages_nothing(pipeline: Any):
    """A first try that wakes up after its retry has staged goes on with those rows: it is not a clear."""
    pipeline.submit(try_number=2, max_tries=2)
    pipeline.wait()

    pipeline.submit(try_number=1, max_tries=2)

    assert len(read_run(pipeline.store).snapshots) == 1
    assert len(pipeline.emulator.batches()) == 1


def test_only_the_needed_columns_are_read(pipeline: Any) -> None:
    """Key, carried, and template columns are asked of the database, and no other: that one may fail."""
    poison = "select id, body, id % 3 as part, json('{broken') as poison from tickets"
    source = {"sql": poison, "carry": ["part"]}

    assert 10 == pipeline.stage(source=source).rows
    with pytest.raises(OpenAIBatchError, match="malformed JSON"):
        pipeline.stage(source=source | {"carry": ["poison"]})


NUMBERS = {"sql": "select id, body, id / 10.0 as t, case when id > 1 then id end as s from tickets"}


def test_numbers_of_a_column_are_sent_as_numbers(pipeline: Any):
    """Where the API takes a number, that of the row is sent, and none where the row has none."""
    asks = arguments.request(pipeline.asked().request | {"temperature": "{t}", "seed": "{s}"})
    pipeline.fill([(n, f"ticket {n}") for n in range(4)])

    pipeline.stage(request=asks, source=NUMBERS)

    bodies = [line["body"] for line in lines(pipeline)]
    assert [body["temperature"] for body in bodies] == [0.0, 0.1, 0.2, 0.3]
    assert [body.get("seed") for body in bodies] == [None, None, 2, 3]
    assert ["seed" in body for body in bodies] == [False, False, True, True]


def test_text_for_a_number_is_refused_before_anything_is_sent(pipeline: Any):
    """The API would refuse each row, one by one."""
    asks = arguments.request(pipeline.asked().request | {"temperature": "{t}"})

    with pytest.raises(InvalidRequest, match=r"request\['temperature'\] is \{t\}, .* column 't' is string;"):
        pipeline.submit(request=asks, source={"sql": "select id, body, '0.5' as t from tickets"})

    assert not pipeline.emulator.batches()


def called(pipeline: Any, call: Any, **changes: Any) -> Any:
    """Stage the rows of a function."""
    given = {"source": arguments.source({"key": "id"}, has_call=True), "call": call, "function": "rows"}
    return stage(replace(pipeline.asked(), **given | changes), pipeline.store, pipeline.client)


def never() -> Any:
    raise AssertionError("the function was called again")


def test_function_is_called_again_by_a_clear_only(pipeline: Any):
    """A retry sends what is staged: the function may yield other rows by then, and may cost something."""
    first = called(pipeline, lambda: ({"id": n, "body": f"ticket {n}"} for n in range(3)))

    retried = called(pipeline, never, try_number=2)
    cleared = called(pipeline, lambda: [{"id": 9, "body": "ticket 9"}], try_number=3, max_tries=2)

    assert (first.rows, retried.rows, cleared.rows) == (3, 3, 1)
    assert sorted(contents(pipeline)) == [f"Classify: ticket {n}" for n in (0, 1, 2, 9)]


class Page:
    """An argument of a function, which counts how often it is hashed."""

    hashed = 0

    def __repr__(self) -> str:
        self.hashed += 1
        return "page"


def test_function_is_hashed_once_and_read_for_as_a_table_is(pipeline: Any):
    """A first try reads it as that of a table does, and hashes the arguments once."""
    page, listings = Page(), []
    source = arguments.source({"key": "id", "op_kwargs": {"page": page}}, has_call=True)

    for number in (1, 2):
        store = WatchedStore(pipeline.store.uri)
        function = {"source": source, "call": lambda: [{"id": 1, "body": "a"}], "function": "rows"}
        stage(replace(pipeline.asked(), **function, try_number=number), store, pipeline.client)
        listings.append((store.listings[""], page.hashed))
    pipeline.name = "table"
    table = WatchedStore(pipeline.store.uri)
    stage(pipeline.asked(), table, pipeline.client)

    assert listings == [(table.listings[""], 1), (2, 2)]


@pytest.mark.parametrize("changed", [{"function": "others"}, {"source": {"op_kwargs": {"region": "eu"}}}])
def test_other_function_or_other_arguments_stage_anew(pipeline: Any, changed: Any):
    """As other SQL would: a retry after a change of the DAG does what the DAG says now."""
    called(pipeline, lambda: [{"id": 1, "body": "a"}])
    if "source" in changed:
        changed = {"source": arguments.source({"key": "id"} | changed["source"], has_call=True)}

    assert (
        called(pipeline, lambda: [{"id": n, "body": "a"} for n in (1, 2)], try_number=2, **changed).rows == 2
    )


def test_function_lands_like_a_table(pipeline: Any):
    """Its rows are labelled and merged; those that have an answer are not asked the next night."""

    def rows() -> Any:
        return ({"id": n, "body": f"ticket {n}"} for n in range(10))

    called(pipeline, rows)
    pipeline.advance()
    pipeline.wait()
    pipeline.load()
    pipeline.name = "tomorrow"

    staged = called(pipeline, rows)

    assert pipeline.statuses() == {"ok": 10}
    assert (staged.rows, staged.skipped, staged.requests) == (10, 10, 0)
