"""The example DAGs are what users copy first: light, short, and working."""

from __future__ import annotations

import ast
import base64
import collections
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "example_dags").glob("*.py"))
LOGS = sorted((ROOT.parent / "shared/data").glob("loghub_*.log"))
HEAVY = ["openai", "pandas", "pyarrow", "duckdb", "sqlglot"]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
SCREEN, TWO_SCREENS = 55, 80
# Airflow 2 cannot replace a DAG run of the same time outside its web server.
TIMES = (datetime(2026, 6, 2, 12, second=number, tzinfo=UTC) for number in range(60))


@pytest.fixture
def run(run_dag, tmp_path):
    """Return how to run an example through Airflow, or a changed one; it gives the states of its tasks."""

    def states(name, changed=("", ""), **options):
        example = tmp_path / f"{name}.py"
        example.write_text((ROOT / "example_dags" / f"{name}.py").read_text().replace(*changed))
        dag_run = run_dag(example, next(TIMES), **options)
        return {task.task_id: str(task.state) for task in dag_run.get_task_instances()}

    return states


@pytest.fixture
def warehouse(tmp_path, connection, monkeypatch):
    """Set up an empty DuckDB warehouse; return how to query it."""
    path = tmp_path / "warehouse.duckdb"
    connection("warehouse", conn_type="duckdb", host=str(path))
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", f"file://{tmp_path / 'runs'}")

    def query(sql, *parameters):
        with duckdb.connect(str(path)) as connected:
            return connected.execute(sql, parameters).fetchall()

    return query


def missing(path):
    """Name what an example imports and this environment does not have."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    return sorted({node.module for node in nodes if not has(node.module)})


def has(module):
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


#: Import each DAG file in a fork of a process that has imported Airflow, and name what is heavy.
IMPORTS = f"""
import json, os, runpy, sys
from airflow.providers.common.compat.sdk import DAG, BaseOperator, task
heavy = lambda: sorted(set({HEAVY}) & set(sys.modules))
print(json.dumps(["Airflow alone", heavy()]), flush=True)
for path in sys.argv[1:]:
    if not os.fork():
        runpy.run_path(path)
        print(json.dumps([path, heavy()]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def loaded():
    """Tell by example which heavy libraries its import loads, and why one cannot be imported."""
    paths = [str(path) for path in EXAMPLES if not missing(path)]
    command = [sys.executable, "-W", "ignore", "-c", IMPORTS, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))
    assert told.pop("Airflow alone") == [], done.stderr
    return told, done.stderr


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_loads_nothing_heavy(path, loaded):
    """Airflow imports DAG files all day long: none may load a warehouse's or an API's library."""
    if absent := missing(path):
        pytest.skip(f"needs a provider that is not installed: {absent[0]}; tests/warehouses parses it")

    told, why = loaded
    assert told.get(str(path)) == [], why


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_a_screen_and_hides_nothing(path):
    """An example has no helper functions and no optional imports; one with a warehouse's SQL is longer."""
    text = path.read_text()
    nodes = list(ast.walk(ast.parse(text)))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]

    assert text.count("\n") <= (TWO_SCREENS if path.stem.startswith("label_in_") else SCREEN)
    assert all(node.decorator_list or f'"call": {node.name}' in text for node in functions)
    assert not any(isinstance(node, ast.Try) for node in nodes)


def test_nightly_classification_labels_the_last_week(run, warehouse, openai_batch_emulator):
    """The tickets of a week get labels of the asked types; older ones cost nothing."""
    warehouse("create table tickets (id bigint, day date, subject text, body text)")
    warehouse(
        "insert into tickets"
        " select i, '2026-06-01'::date + ((i % 3)::int - 1) * 7, 'No ' || i, 'Help!'"
        " from range(60) as numbers (i)"
    )

    states = run("nightly_classification")

    assert set(states.values()) == {"success"}
    assert {execution.url for execution in openai_batch_emulator.ledger} == {"/v1/chat/completions"}
    assert warehouse(
        "select count(*), count(distinct id), bool_and(id % 3 = 1), bool_and(batch_status = 'ok'),"
        " bool_and(category in ('bug', 'feature', 'billing', 'other')), bool_and(urgency between 1 and 5),"
        " any_value(typeof(id)), any_value(typeof(needs_reply)) from ticket_labels"
    ) == [(20, 20, True, True, True, True, "BIGINT", "BOOLEAN")]


@pytest.mark.skipif(version("apache-airflow") < "3", reason="each run of Airflow 2 has a logical date")
def test_nightly_classification_by_hand(run_dag, warehouse, openai_batch_emulator):
    """A run by hand, or by an asset, has no logical date in Airflow 3: it labels the week until today."""
    warehouse("create table tickets (id bigint, day date, subject text, body text)")
    warehouse("insert into tickets select 1, current_date - 2, 'No 1', 'Help!'")

    done = run_dag(ROOT / "example_dags/nightly_classification.py", None)

    assert str(done.state) == "success"
    assert warehouse("select id, batch_status from ticket_labels") == [(1, "ok")]


def test_search_by_meaning_embeds_what_is_new(run, warehouse, openai_batch_emulator):
    """Articles become vectors that the warehouse can compare; the next night only asks for a new one."""
    warehouse("create table articles (id bigint, title text, body text)")
    warehouse("insert into articles select i, 'No ' || i, 'Press it.' from range(20) as numbers (i)")
    first = run("search_by_meaning")
    warehouse("insert into articles values (20, 'No 20', 'Press it.')")

    second = run("search_by_meaning")

    assert [set(states.values()) for states in (first, second)] == [{"success"}] * 2
    assert {execution.url for execution in openai_batch_emulator.ledger} == {"/v1/embeddings"}
    assert sum(execution.times for execution in openai_batch_emulator.ledger) == 21
    assert warehouse(
        "select count(*), bool_and(batch_status = 'ok'), any_value(typeof(embedding)), min(len(embedding)),"
        " max(len(embedding)), bool_and(title = 'No ' || id) from article_vectors"
    ) == [(21, True, "FLOAT[]", 512, 512, True)]


def test_label_python_rows_labels_what_a_function_yields(run, warehouse, openai_batch_emulator, tmp_path):
    """Rows of two files, which no table of Airflow has, are labelled, each with the day of the run."""
    for name in ("june", "july"):
        (tmp_path / f"{name}.csv").write_text("id,review\n1,Fine\n2,Broken\n")

    states = run("label_python_rows", changed=("/data/reviews", str(tmp_path)))

    assert set(states.values()) == {"success"}
    assert warehouse("select id, batch_status, read_on is not null from review_labels order by id") == [
        (f"{name}-{n}", "ok", True) for name in ("july", "june") for n in (1, 2)
    ]


def test_label_decorated_labels_the_rows_of_each_product(run_dag, warehouse, openai_batch_emulator, tmp_path):
    """Each mapped instance of the decorated function is a run of its own, and is called by its arguments."""
    for name in ("desk", "lamp"):
        (tmp_path / f"{name}.csv").write_text("id,review\n1,Fine\n2,Broken\n")
    example = tmp_path / "label_decorated.py"
    text = (ROOT / "example_dags/label_decorated.py").read_text()
    example.write_text(text.replace("/data/reviews", str(tmp_path)))

    tasks = run_dag(example, next(TIMES)).get_task_instances()

    assert {str(task.state) for task in tasks} == {"success"}
    assert {task.rendered_map_index for task in tasks if task.map_index >= 0} == {
        "0: product=desk",
        "1: product=lamp",
    }
    assert next(task for task in tasks if task.task_id == "count").xcom_pull(task_ids="count") == 4
    assert warehouse(
        "select product, count(*), bool_and(batch_status = 'ok' and read_on is not null),"
        " count(distinct batch_run_id) from review_labels group by 1 order by 1"
    ) == [("desk", 2, True, 1), ("lamp", 2, True, 1)]


def test_label_in_languages_maps_the_group_itself(run_dag, warehouse, openai_batch_emulator):
    """`partial` and `expand` give each source a run of its own, called by its rows."""
    warehouse("create table tickets (id bigint, subject text, body text, language text)")
    warehouse(
        "insert into tickets select i, 'No', 'Help!', ['en', 'de', 'fr'][i % 3 + 1] from range(9) as n (i)"
    )

    done = run_dag(ROOT / "example_dags/label_in_languages.py", next(TIMES))

    tasks = done.get_task_instances()
    assert {str(task.state) for task in tasks} == {"success"}
    assert {task.task_id for task in tasks} == {"label.submit", "label.wait", "label.load"}
    assert {task.rendered_map_index for task in tasks} == {
        "0: language = 'en'",
        "1: language = 'de'",
        "2: language = 'fr'",
    }
    assert warehouse("select count(*), count(distinct batch_run_id) from ticket_labels") == [(9, 3)]


def test_describe_pictures_sends_bytes_as_a_picture(run, warehouse, openai_batch_emulator):
    """A column of bytes is a picture to the API, and its description lands in typed columns."""
    warehouse("create table products (sku text, name text, picture blob)")
    warehouse("insert into products values ('a', 'lamp', ?), ('b', 'chair', ?)", PIXEL, PIXEL)

    states = run("describe_pictures")

    assert set(states.values()) == {"success"}
    assert {execution.url for execution in openai_batch_emulator.ledger} == {"/v1/responses"}
    assert warehouse(
        "select sku, name, alt_text is not null, color is not null, batch_status"
        " from product_pictures order by sku"
    ) == [("a", "lamp", True, True, "ok"), ("b", "chair", True, True, "ok")]


def fill(warehouse, logs):
    warehouse("create table logs (system text, line_no bigint, line text)")
    for system, lines in logs.items():
        numbers = list(range(1, len(lines) + 1))
        warehouse("insert into logs select ?, unnest(?), unnest(?)", system, numbers, lines)


def test_backfill_days_replaces_the_partition_of_its_day(run_dag, warehouse, openai_batch_emulator):
    """Each day's run writes its own day, as a DATE; a day that runs again leaves the others alone."""
    warehouse("create table daily_logs (day date, line_no bigint, line text)")
    warehouse(
        "insert into daily_logs select date '2026-06-01' + (n // 3)::int, n % 3, 'Line ' || n"
        " from range(6) as lines (n)"
    )
    source = ROOT / "example_dags/backfill_days.py"

    days = [datetime(2026, 6, day, tzinfo=UTC) for day in (1, 2, 1)]
    states = [str(run_dag(source, day).state) for day in days]

    assert states == ["success"] * 3
    assert warehouse(
        "select typeof(day), day::text, count(*), bool_and(batch_status = 'ok') from daily_log_labels"
        " group by all order by 2"
    ) == [("DATE", "2026-06-01", 3, True), ("DATE", "2026-06-02", 3, True)]


@pytest.fixture
def backfill(run):
    """Return how to backfill one log; it gives the states of the tasks."""
    return lambda system: set(run("backfill_logs", run_conf={"system": system}).values())


PARTITIONS = """
    select system, count(*), count(distinct line_no), min(batch_run_id) from log_events
    group by all order by all
"""


def test_backfill_replaces_one_partition(backfill, warehouse, openai_batch_emulator):
    """A rerun of one log leaves the others as they are."""
    fill(
        warehouse,
        {"apache": [f"child {i} in error state" for i in range(7)], "sshd": ["Failed password"] * 5},
    )
    states = backfill("apache"), backfill("sshd")
    before = warehouse(PARTITIONS)

    again = backfill("apache")
    after = warehouse(PARTITIONS)

    assert [*states, again] == [{"success"}] * 3
    assert [row[:3] for row in before] == [row[:3] for row in after] == [("apache", 7, 7), ("sshd", 5, 5)]
    assert before[1] == after[1]


@pytest.mark.skipif(not LOGS, reason="needs the public logs in ../shared/data")
def test_backfill_reads_real_logs(backfill, warehouse, openai_batch_emulator):
    """Four log files become four partitions, every line once."""
    logs = {path.stem: path.read_text("utf-8", "replace").splitlines() for path in LOGS}
    fill(warehouse, logs)
    for system in logs:
        assert backfill(system) == {"success"}
    before = warehouse(PARTITIONS)
    again = backfill(LOGS[0].stem)
    after = warehouse(PARTITIONS)

    assert [row[:3] for row in before] == [
        (name, len(lines), len(lines)) for name, lines in sorted(logs.items())
    ]
    assert again == {"success"}
    assert before[1:] == after[1:]
    assert before[0][:3] == after[0][:3]


def test_compose_your_own_runs_between_other_tasks(run, warehouse, openai_batch_emulator):
    """The three operators take rows from a task and hand their result to the next."""
    states = run("compose_your_own")

    assert states == dict.fromkeys(["survey", "submit", "wait", "load", "announce"], "success")
    assert warehouse(
        "select id, lang, english is not null, batch_status from survey_in_english order by id"
    ) == [
        (1, "de", True, "ok"),
        (2, "fr", True, "ok"),
        (3, "en", True, "ok"),
    ]


@pytest.mark.parametrize(
    ("share", "most", "chosen"),
    [
        (0.25, "5", "look_at_failures"),
        pytest.param(0.0, "5", "publish", marks=pytest.mark.long),
        pytest.param(0.0, "0.001", "ask_who_pays", marks=pytest.mark.long),
    ],
)
def test_act_on_result_takes_one_way(share, most, chosen, run, warehouse, openai_batch_emulator):
    """The branch reads from the load's XCom how many rows failed and what the run cost."""
    warehouse("create table tickets (id bigint, body text)")
    warehouse("insert into tickets select i, 'No ' || i from range(40) as numbers (i)")
    if share:
        openai_batch_emulator.fault("fail_requests", share=share, status=400, permanent=True, times=None)

    states = run("act_on_result", changed=("MOST_USD = 5", f"MOST_USD = {most}"))

    ways = {name: states[name] for name in ("publish", "look_at_failures", "ask_who_pays")}
    assert ways == dict.fromkeys(ways, "skipped") | {chosen: "success"}


def test_publish_labels_by_hand_has_nothing_to_publish(run):
    """Its runs come of events; tests/services sees one in a real Airflow."""
    assert run("publish_labels") == {"publish": "success"}


def test_purge_old_runs_keeps_what_is_young(run, warehouse, openai_batch_emulator, monkeypatch):
    """A run that landed loses its rows and answers when its days are over, and not before."""
    run("compose_your_own")

    young = run("purge_old_runs")
    kept = folders()
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__RETENTION_DAYS", "0")
    old = run("purge_old_runs")

    assert (young, old) == ({"purge": "success"}, {"purge": "success"})
    assert "shards" in kept
    assert "purged.json" in folders()
    assert not {"shards", "snapshots"} & folders()


def folders():
    """Return what the only run's folder holds."""
    root = Path(os.environ["AIRFLOW__OPENAI_BATCH__WORK_PATH"].removeprefix("file://"))
    return {path.name.split("-")[0] for path in next(root.glob("[!.]*/*/*")).iterdir()}


def test_label_in_parts_lands_every_part_in_one_table(run_dag, warehouse, openai_batch_emulator):
    """Each part is a run of its own, is called by its rows, and merges into the table of all."""
    warehouse("create table tickets (id bigint, subject text, body text)")
    warehouse("insert into tickets select i * i, 'No ' || i, 'Help!' from range(30) as numbers (i)")

    done = run_dag(ROOT / "example_dags/label_in_parts.py", next(TIMES))

    tasks = [task for task in done.get_task_instances() if task.map_index >= 0]
    assert {str(task.state) for task in tasks} == {"success"}
    assert sorted(collections.Counter(task.task_id for task in tasks).values()) == [4, 4, 4]
    assert warehouse(
        "select count(*), count(distinct id), bool_and(batch_status = 'ok'), count(distinct batch_run_id)"
        " from ticket_labels"
    ) == [(30, 30, True, 4)]
    assert {execution.times for execution in openai_batch_emulator.ledger} == {1}
    names = {task.rendered_map_index for task in tasks}
    assert len(names) == 4
    assert "3: id >= 529" in names
