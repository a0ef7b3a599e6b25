"""Ten thousand real tickets through Airflow: from each kind of warehouse to the same kind."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.servers import postgres, postgres_server  # noqa: F401

TICKETS = Path(__file__).parents[2] / "shared/data/banking77_tickets.csv"
OPENAPI = Path(__file__).parents[2] / "shared/reference/openai-batch-openapi.json"
NOW = datetime(2026, 6, 2, tzinfo=UTC)
COUNT = 10_003
COLUMNS = "create table tickets (id bigint primary key, body text, category text)"
DAG = """
import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

with DAG(dag_id="tickets", schedule=None, start_date=pendulum.datetime(2026, 1, 1)) as dag:
    OpenAIBatchTaskGroup(
        group_id="classify",
        source={source!r},
        request={{
            "model": "gpt-5-mini",
            "messages": [
                {{"role": "system", "content": "What does this customer of a bank want?"}},
                {{"role": "user", "content": "{{body}}"}},
            ],
        }},
        output_type={labels!r},
        target={target!r},
    )
"""

pytestmark = pytest.mark.skipif(not TICKETS.exists(), reason="the shared data is not there")


@cache
def tickets() -> list[tuple[int, str, str]]:
    with TICKETS.open(newline="") as file:
        return [(n, row["text"], row["category"]) for n, row in enumerate(csv.DictReader(file), 1)]


class SQLite:
    """A file; integers stay integers."""

    key_type = "integer"

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = str(folder / "warehouse.db")
        connection = {"conn_type": "sqlite", "host": self.path}
        monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(connection))
        with sqlite3.connect(self.path) as database:
            database.execute(COLUMNS)
            database.executemany("insert into tickets values (?, ?, ?)", tickets())

    source: dict[str, Any] = {"conn_id": "warehouse", "sql": "select * from tickets;"}
    target: dict[str, Any] = {"conn_id": "warehouse", "table": "labels"}

    def rows(self) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.path) as database:
            return database.execute("select id, batch_status, category, typeof(id) from labels").fetchall()


class DuckDB:
    """A file; the key is a BIGINT on both ends."""

    key_type = "BIGINT"

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = str(folder / "warehouse.duckdb")
        connection = {"conn_type": "duckdb", "host": self.path}
        monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(connection))
        with duckdb.connect(self.path) as database:
            database.execute(COLUMNS)
            ids, texts, categories = zip(*tickets(), strict=True)
            table = pa.table({"id": ids, "body": texts, "category": categories})
            database.register("given", table)
            database.execute("insert into tickets select * from given")

    source: dict[str, Any] = {"conn_id": "warehouse", "table": "tickets"}
    target: dict[str, Any] = {"conn_id": "warehouse", "table": "labels"}

    def rows(self) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.path) as database:
            return database.execute("select id, batch_status, category, typeof(id) from labels").fetchall()


class PostgreSQL:
    """A real server."""

    key_type = "bigint"

    def __init__(self, database: Any) -> None:
        self.database = database
        database.execute(COLUMNS)
        texts = [list(column) for column in zip(*tickets(), strict=True)]
        database.execute(
            "insert into tickets select * from unnest(%s::bigint[], %s::text[], %s::text[])", texts
        )

    source: dict[str, Any] = {"conn_id": "postgres", "table": "tickets"}
    target: dict[str, Any] = {"conn_id": "postgres", "table": "labels"}

    def rows(self) -> list[tuple[Any, ...]]:
        return self.database.execute("select id, batch_status, category, pg_typeof(id)::text from labels")


class Parquet:
    """Files at both ends."""

    key_type = "int64"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ids, texts, categories = zip(*tickets(), strict=True)
        table = pa.table({"id": ids, "body": texts, "category": categories})
        pq.write_table(table, folder / "tickets.parquet")
        self.source = {"path": f"file://{folder}/tickets.parquet"}
        self.target = {"path": f"file://{folder}/labels", "mode": "append"}

    def rows(self) -> list[tuple[Any, ...]]:
        table = pq.read_table(self.folder / "labels")
        columns = [table[name].to_pylist() for name in ("id", "batch_status", "category")]
        return [(*row, str(table.schema.field("id").type)) for row in zip(*columns, strict=True)]


@pytest.fixture(params=["sqlite", "duckdb", "postgresql", "parquet"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A warehouse that holds the tickets."""
    match request.param:
        case "sqlite":
            return SQLite(tmp_path, monkeypatch)
        case "duckdb":
            return DuckDB(tmp_path, monkeypatch)
        case "postgresql":
            return PostgreSQL(request.getfixturevalue("postgres"))
    return Parquet(tmp_path)


@pytest.fixture
def classify(warehouse: Any, run_dag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return how to classify the tickets of the warehouse; it gives the states of the tasks."""
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", f"file://{tmp_path}/runs")

    def classify() -> dict[str, str]:
        source = {**warehouse.source, "key": "id", "carry": ["category"]}
        labels = sorted({category for _, _, category in tickets()})
        path = tmp_path / "tickets.py"
        path.write_text(DAG.format(source=source, labels=labels, target=warehouse.target))
        return {task.task_id: str(task.state) for task in run_dag(path, NOW).get_task_instances()}

    return classify


def test_every_ticket_comes_back(classify: Any, warehouse: Any, openai_batch_emulator: Any):
    """Each ticket once, keys in their type, and the statuses add up to what the API executed."""
    openai_batch_emulator.restart(fail_ratio=0.01)

    states = classify()

    rows = warehouse.rows()
    assert set(states.values()) == {"success"}
    assert len(rows) == COUNT
    assert {row[0] for row in rows} == {number for number, _, _ in tickets()}
    assert {row[3] for row in rows} == {warehouse.key_type}
    assert {row[0]: row[2] for row in rows} == {number: category for number, _, category in tickets()}
    assert answered(openai_batch_emulator, warehouse) == Counter(row[1] for row in rows)


def answered(emulator: Any, warehouse: Any) -> Counter[str]:
    """Count the tickets by what the ledger says of their texts."""
    status_of = {
        e.body["messages"][1]["content"]: e.status for e in sorted(emulator.ledger, key=lambda e: e.times)
    }
    words = {200: "ok", 400: "error", 429: "failed", 500: "failed"}
    return Counter(words[status_of[text]] for _, text, _ in tickets())


def test_every_line_is_a_request_of_the_api(
    classify: Any, warehouse: Any, tmp_path: Path, openai_batch_emulator: Any
):
    """Each line that is written fits the API's own schema."""
    jsonschema = pytest.importorskip("jsonschema_rs")
    if not isinstance(warehouse, SQLite):
        pytest.skip("the lines do not depend on the warehouse")
    openai_batch_emulator.restart(fail_ratio=0.01)
    document = json.loads(OPENAPI.read_bytes())

    def validator(name: str) -> Any:
        return jsonschema.validator_for(
            {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        )

    line_fits, body_fits = validator("BatchRequestInput"), validator("CreateChatCompletionRequest")

    classify()

    count = 0
    for path in tmp_path.rglob("requests.jsonl"):
        for raw in path.read_bytes().split(b"\n")[:-1]:
            line = json.loads(raw)
            line_fits.validate(line)
            body_fits.validate(line["body"])
            count += 1
    assert count >= COUNT - 20
