"""The example DAGs of cloud warehouses: rendered with the real providers, their SQL run on DuckDB.

No account stands behind these tests: what the warehouses themselves do is not tried here.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import sqlglot

from airflow_provider_openai_batch.batch.output.result_schema import Names, result_schema
from airflow_provider_openai_batch.tables.landing import Landing
from airflow_provider_openai_batch.tables.targets.parquet import PathTarget
from tests.tables.factories import nothing

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-cloud/bin/python"
CLOUDS = ("bigquery", "databricks", "redshift", "snowflake")
NIGHT = datetime(2026, 6, 2, 2, tzinfo=UTC)
FILE = "ticket_labels/night=2026-06-02/results.parquet"
SCHEMA = result_schema(
    [pa.field("id", pa.int64())],
    pa.schema([("label", pa.string())]),
    Names(prefix="batch_", columns={}),
)
COLUMNS = "id, label, batch_status, batch_error_message, batch_cost_usd, batch_run_id, batch_snapshot_at"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not PYTHON.exists(), reason="needs the clouds' providers: make .venv-cloud/.dev"),
]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Render all examples once, in the environment that has the providers."""
    files = [str(ROOT / "example_dags" / f"label_in_{cloud}.py") for cloud in CLOUDS]
    command = [str(PYTHON), "-W", "ignore", str(Path(__file__).with_name("render.py")), *files]
    home = {"AIRFLOW_HOME": str(tmp_path_factory.mktemp("home")), "PATH": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=home)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


CONNECTIONS = {
    "AIRFLOW_CONN_BIGQUERY": {"conn_type": "gcpbigquery"},
    "AIRFLOW_CONN_GOOGLE": {"conn_type": "google_cloud_platform", "extra": {"project": "p"}},
    "AIRFLOW_CONN_DATABRICKS": {"conn_type": "databricks", "extra": {"http_path": "/sql/1"}},
    "AIRFLOW_CONN_REDSHIFT": {"conn_type": "redshift"},
    "AIRFLOW_CONN_SNOWFLAKE": {"conn_type": "snowflake"},
}
SOURCES = """
import sys, json
from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.tables.resolve import resolve_source
for conn_id in sys.argv[1:]:
    made = resolve_source(arguments.source({"conn_id": conn_id, "table": "Mart.T", "key": "id"}))
    opened, rows = made.driver.open, getattr(made, "rows", type(made))
    hook = opened.args[0] if hasattr(opened, "args") else opened.__self__
    rows = getattr(rows, "func", rows)
    told = [type(hook).__name__, getattr(hook, "use_legacy_sql", None), rows.__name__, made.query.text]
    print(json.dumps(told))
"""


def test_sources() -> None:
    """Each connection type gets the hook that speaks SQL, its dialect, and a way of reading it in parts."""
    names = ["bigquery", "google", "databricks", "redshift", "snowflake"]
    home = {name: json.dumps(value) for name, value in CONNECTIONS.items()} | {"PYTHONPATH": str(ROOT)}
    command = [str(PYTHON), "-W", "ignore", "-c", SOURCES, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=home)
    assert done.returncode == 0, done.stderr

    assert [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")] == [
        ["BigQueryHook", False, "Stream", "SELECT * FROM `Mart`.`T`"],
        ["BigQueryHook", False, "Stream", "SELECT * FROM `Mart`.`T`"],
        ["DatabricksSqlHook", None, "Stream", "SELECT * FROM `Mart`.`T`"],
        ["RedshiftSQLHook", None, "Pages", 'SELECT * FROM "mart"."t"'],
        ["SnowflakeHook", None, "ArrowSource", 'SELECT * FROM "MART"."T"'],
    ]


@dataclass
class Flow:
    """One example, and a DuckDB database in the place of its warehouse."""

    cloud: str
    tasks: dict[str, Any]
    folder: Path
    database: Any

    def run(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        [written] = sqlglot.transpile(statement, read=self.cloud, write="duckdb")
        return self.database.execute(written, parameters).fetchall()  # type: ignore[no-any-return]

    def statements(self, task_id: str) -> list[str]:
        task = self.tasks[task_id]
        sql = task["sql"] if "sql" in task else task["configuration"]["query"]["query"]
        return [sql] if isinstance(sql, str) else list(sql)

    def make(self) -> None:
        for statement in self.statements("make"):
            self.run(statement)

    def new(self) -> list[int]:
        return sorted(row[0] for row in self.run(self.tasks["label.submit"]["source"]["sql"]))

    def land(self, statuses: dict[int, str], at: datetime) -> None:
        """Write the night's file as a load does, and copy it as the warehouse is told to."""
        landing = Landing(
            schema=SCHEMA, key=("id",), mode="replace_partition", partition={"night": "2026-06-02"},
            run_id=f"run {at.day}", prefix="batch_",
        )  # fmt: skip
        rows = [
            {"id": n, "label": f"at {at.day}", "batch_status": status, "batch_run_id": landing.run_id,
             "batch_snapshot_at": at, "night": "2026-06-02"}
            for n, status in statuses.items()
        ]  # fmt: skip
        PathTarget(f"file://{self.folder}/ticket_labels").write(
            landing, iter([pa.RecordBatch.from_pylist(rows, schema=SCHEMA)]), nothing
        )
        self.copy()

    def copy(self) -> None:
        rows = f"read_parquet('{self.folder / FILE}', hive_partitioning = false)"
        match self.cloud:
            case "bigquery":
                self.database.execute(f"CREATE OR REPLACE TABLE mart.ticket_labels_new AS FROM {rows}")
            case "redshift":
                self.database.execute("DELETE FROM ticket_labels_new")
                self.database.execute(f"INSERT INTO ticket_labels_new FROM {rows}")
            case _:
                self.database.execute(f"INSERT INTO ticket_labels_new BY NAME SELECT {COLUMNS} FROM {rows}")

    def merge(self) -> None:
        for statement in self.statements("merge"):
            self.run(statement)

    def labels(self) -> dict[int, tuple[Any, ...]]:
        name = "mart.ticket_labels" if self.cloud == "bigquery" else "ticket_labels"
        rows = self.database.execute(f"SELECT id, label, batch_status FROM {name}").fetchall()
        assert len({row[0] for row in rows}) == len(rows)
        return {row[0]: row[1:] for row in rows}


@pytest.fixture(params=CLOUDS)
def flow(request: pytest.FixtureRequest, rendered: dict[str, Any], tmp_path: Path) -> Any:
    """Give each example in turn, with six tickets of which one is too old."""
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'; CREATE SCHEMA mart")
        made = Flow(request.param, rendered[f"label_in_{request.param}"]["tasks"], tmp_path, database)
        tickets = "mart.tickets" if made.cloud == "bigquery" else "tickets"
        database.execute(f"CREATE TABLE {tickets} (id bigint, day date, subject text, body text)")
        database.execute(
            f"INSERT INTO {tickets} SELECT i, CASE i WHEN 6 THEN '2026-05-26' ELSE '2026-06-01' END::date,"
            " 'No', 'Help' FROM range(1, 7) n(i)"
        )
        yield made


@pytest.mark.parametrize("cloud", CLOUDS)
def test_runs_follow_each_other(rendered: dict[str, Any], cloud: str) -> None:
    """A run sees what the last one answered; what a load has landed goes on even if the load fails."""
    dag = rendered[f"label_in_{cloud}"]
    tasks = dag["tasks"]

    assert (1, False) == (dag["max_active_runs"], dag["catchup"])
    assert ["make", "label.submit", "label.wait", "label.load", "copy", "merge"] == list(tasks)
    assert [[], ["make"], ["label.submit"], ["label.wait"], ["label.load"], ["copy"]] == [
        task["upstream"] for task in tasks.values()
    ]
    assert "none_skipped" == tasks["copy"]["trigger_rule"]
    assert all(tasks[name]["retries"] >= 2 for name in ("make", "copy", "merge"))


def test_the_copy_reads_what_the_load_puts(flow: Flow) -> None:
    """Both operators name one file, and the staging table of the merge."""
    target, copy = flow.tasks["label.submit"]["target"], flow.tasks["copy"]
    named = {
        "bigquery": ("gs://", lambda: [f"{copy['bucket']}/{name}" for name in copy["source_objects"]]),
        "databricks": ("s3://", lambda: [f"{copy['file_location'][5:]}/{name}" for name in copy["files"]]),
        "redshift": ("s3://", lambda: [f"{copy['s3_bucket']}/{copy['s3_key']}"]),
        "snowflake": ("s3://", lambda: [f"{copy['stage']}/{name}" for name in copy["files"]]),
    }  # fmt: skip
    scheme, files = named[flow.cloud]
    tables = {copy.get(name) for name in ("table", "table_name", "destination_project_dataset_table")}

    assert target["partition"] == {"night": "2026-06-02"}
    assert target["path"].startswith(scheme)
    assert target["path"].endswith("@lake/ticket_labels")
    assert [f"lake/{FILE}"] == files()
    assert {table.removeprefix("mart.") for table in tables if table} == {"ticket_labels_new"}


def test_how_it_is_copied(flow: Flow) -> None:
    """Each warehouse is told what its loader needs to know: by name or by place, and what a retry does."""
    copy = flow.tasks["copy"]
    told = {
        "bigquery": lambda: copy["source_format"] == "PARQUET"
        and copy["write_disposition"] == "WRITE_TRUNCATE",
        "databricks": lambda: f"SELECT {COLUMNS} FROM" in copy["statement"]
        and "'force' = 'true'" in copy["statement"],
        "redshift": lambda: copy["method"] == "REPLACE" and "format as parquet" in copy["statement"],
        "snowflake": lambda: "case_insensitive" in copy["copy_options"]
        and "use_logical_type = true" in copy["file_format"],
    }  # fmt: skip

    assert told[flow.cloud]()


def test_the_staging_table_takes_the_file(flow: Flow) -> None:
    """Where columns are copied by their place, the table has all of the file's, in their order."""
    flow.make()
    if flow.cloud == "bigquery":
        pytest.skip("the load job makes the staging table")
    columns = flow.database.execute("SELECT column_name FROM (DESCRIBE ticket_labels_new)").fetchall()
    names = [row[0] for row in columns]

    assert names == (SCHEMA.names if flow.cloud == "redshift" else COLUMNS.split(", "))


def test_two_nights(flow: Flow) -> None:
    """The second night sends only what is new or failed; a merge may be done twice; nothing is lost."""
    flow.make()
    first = flow.new()
    flow.land({1: "ok", 2: "failed", 3: "invalid", 4: "expired"}, NIGHT)
    flow.merge()
    once = flow.labels()
    flow.merge()
    twice = flow.labels()
    second = flow.new()
    flow.make()
    flow.land({2: "ok", 4: "failed", 5: "ok"}, NIGHT + timedelta(days=1))
    flow.copy()  # a retry of a copy that had arrived
    flow.merge()

    assert [1, 2, 3, 4, 5] == first
    statuses = ("ok", "failed", "invalid", "expired")
    assert once == twice == {n: ("at 2", status) for n, status in enumerate(statuses, 1)}
    assert [2, 4, 5] == second
    assert [4] == flow.new()
    assert flow.labels() == {
        1: ("at 2", "ok"), 2: ("at 3", "ok"), 3: ("at 2", "invalid"), 4: ("at 3", "failed"),
        5: ("at 3", "ok"),
    }  # fmt: skip


def test_what_a_person_wrote_stays(flow: Flow) -> None:
    """A row that a person took over is neither sent nor overwritten, also by a run that is under way."""
    flow.make()
    flow.land({1: "failed", 2: "failed"}, NIGHT)
    flow.merge()
    table = "mart.ticket_labels" if flow.cloud == "bigquery" else "ticket_labels"
    flow.database.execute(f"UPDATE {table} SET batch_status = 'reviewed', label = 'mine' WHERE id = 1")
    asked = flow.new()
    flow.make()
    flow.land({1: "ok", 2: "ok"}, NIGHT + timedelta(days=1))
    flow.merge()

    assert [2, 3, 4, 5] == asked
    assert {1: ("mine", "reviewed"), 2: ("at 3", "ok")} == flow.labels()
