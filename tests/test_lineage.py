"""OpenLineage sees source and target by its own names, the rows that landed, and where columns come from."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.run.facts import Origin
from airflow_provider_openai_batch.lineage import lineage_of_load
from tests.batch.submissions import make_submission
from tests.openlineage_spec import complaints

pytestmark = pytest.mark.skipif(
    find_spec("openlineage") is None, reason="needs the OpenLineage provider, an extra of the tests"
)
DOCS = Path(__file__).parents[1] / "docs/lineage.md"
BODY = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "{text}"}]}


def field(namespace: str, name: str, column: str) -> dict[str, Any]:
    return {"namespace": namespace, "name": name, "field": column}


def read_back(lineage: Any) -> dict[str, Any]:
    """Return the parts of the event that hold lineage, as the client writes them."""
    from openlineage.client.serde import Serde  # noqa: PLC0415

    parts = {"inputs": lineage.inputs, "outputs": lineage.outputs}
    return {name: [json.loads(Serde.to_json(one)) for one in parts[name]] for name in parts}


def test_columns_come_from_the_tables_of_the_query(connection) -> None:
    """Key and carried columns are copied; answers come from the columns that the request names."""
    connection("crm", conn_type="postgres", host="db.example.com", schema="crm", login="me")
    connection("warehouse", conn_type="duckdb", host="/data/warehouse.duckdb")
    origin = Origin(
        conn_id="crm",
        tables=(("public", "tickets"), ("sales", "users")),
        used=("text",),
        fields={"id": ((0, "id"),), "who": ((1, "name"),), "text": ((0, "subject"), (0, "body"))},
    )
    submission = make_submission(
        origin=origin, key=("id",), carry=("who",), request=BODY, output_type=["bug", "feature"]
    )
    target = arguments.target(
        {"conn_id": "warehouse", "table": "dwh.labels", "columns": {"label": "kind", "who": "person"}}
    )

    told = read_back(lineage_of_load(submission, target, 7))

    there = "postgres://db.example.com:5432"
    assert [(one["namespace"], one["name"]) for one in told["inputs"]] == [
        (there, "crm.public.tickets"),
        (there, "crm.sales.users"),
    ]
    (output,) = told["outputs"]
    assert (output["namespace"], output["name"]) == ("duckdb:///data/warehouse.duckdb", "dwh.labels")
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 7
    columns = output["facets"]["columnLineage"]["fields"]
    assert {name: [plain(one) for one in made["inputFields"]] for name, made in columns.items()} == {
        "id": [field(there, "crm.public.tickets", "id")],
        "person": [field(there, "crm.sales.users", "name")],
        "kind": [
            field(there, "crm.public.tickets", "subject"),
            field(there, "crm.public.tickets", "body"),
        ],
    }
    assert [how(columns[name]) for name in ("id", "kind")] == [
        [{"type": "DIRECT", "subtype": "IDENTITY", "description": "copied"}],
        [{"type": "DIRECT", "subtype": "TRANSFORMATION", "description": "answered by gpt-5-mini"}] * 2,
    ]


def test_the_event_in_the_docs_is_what_is_sent(connection) -> None:
    """Without what the client adds to each facet."""
    (told,) = re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)
    connection("warehouse", conn_type="postgres", host="db.example.com", schema="warehouse", login="me")
    body = BODY | {"messages": [{"role": "user", "content": "{subject}\n\n{body}"}]}
    origin = Origin(
        conn_id="warehouse",
        tables=(("public", "tickets"),),
        used=("subject", "body"),
        fields={name: ((0, name),) for name in ("id", "subject", "body")},
    )
    submission = make_submission(origin=origin, key=("id",), request=body, output_type=["bug", "feature"])
    target = arguments.target({"conn_id": "warehouse", "table": "ticket_labels"})

    assert json.loads(told) == bare(read_back(lineage_of_load(submission, target, 280)))


def bare(value: Any) -> Any:
    """Leave out what is empty, and the names of producer and schema."""
    if isinstance(value, list):
        return [bare(one) for one in value]
    if isinstance(value, dict):
        kept = {name: bare(one) for name, one in value.items() if not name.startswith("_")}
        return {name: one for name, one in kept.items() if one not in ({}, [])}
    return value


def how(column: dict[str, Any]) -> list[dict[str, Any]]:
    return [told for one in column["inputFields"] for told in one["transformations"]]


def plain(one: dict[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in ("namespace", "name", "field")}


def test_without_an_origin_there_is_still_a_target() -> None:
    """Rows of a task, or a run that an earlier version submitted."""
    target = arguments.target({"path": "s3://aws_default@bucket/labels", "mode": "append"})

    told = read_back(lineage_of_load(make_submission(request=BODY), target, None))

    assert told["inputs"] == []
    (output,) = told["outputs"]
    assert (output["namespace"], output["name"]) == ("s3://bucket", "labels")
    assert not output.get("facets")
    assert not output.get("outputFacets")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rowCount": "7"}, ": '7' is not of type 'integer'"),
        ({"rowCount": None}, ": None is not of type 'integer'"),
        ({"_producer": "somebody"}, ": 'somebody' is not a 'uri'"),
        ({"rowCount": 7}, None),
    ],
)
def test_the_specification_refuses_what_is_wrong(change: dict[str, Any], told: str | None) -> None:
    """Each facet is held to the schema that it names, wherever it is in an event."""
    lineage = lineage_of_load(
        make_submission(request=BODY), arguments.target({"path": "/labels", "mode": "append"}), 7
    )
    facet = read_back(lineage)["outputs"][0]["outputFacets"]["outputStatistics"] | change

    found = complaints({"outputs": [{"outputFacets": {"outputStatistics": facet}}]})

    assert found == ([] if told is None else [f"/outputs/0/outputFacets/outputStatistics{told}"])


DAG = """
import os
from datetime import datetime, timezone
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_openai_batch import OpenAIBatchTaskGroup

with DAG("lineage", start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
    for name, source in {sources!r}.items():
        OpenAIBatchTaskGroup(name, source=source, **{arguments!r})

if __name__ == "__main__":
    assert str(dag.test().state) == "success"
"""


@pytest.mark.long
def test_events_of_each_kind_of_source(airflow_home, airflow_db, connection, tmp_path, openai_batch_emulator):
    """Airflow's own listener writes events that fit OpenLineage's schemas: a table, files, and a query."""
    events = run_with_listener(airflow_home, connection, tmp_path)

    assert [told for event in events for told in complaints(event)] == []
    ends = {event["job"]["name"]: event for event in events if event["eventType"] == "COMPLETE"}
    here = f"sqlite://{tmp_path / 'warehouse.sqlite'}"
    sources = {
        "g": [(here, "tickets")],
        "h": [("file", str(tmp_path / "in.jsonl"))],
        "i": [(here, "tickets")],
    }
    for group, read in sources.items():
        submit, load = ends[f"lineage.{group}.submit"], ends[f"lineage.{group}.load"]
        assert [(one["namespace"], one["name"]) for one in submit["inputs"]] == read
        assert [(one["namespace"], one["name"]) for one in load["inputs"]] == read
        (output,) = load["outputs"]
        assert (output["namespace"], output["name"]) == (here, "answers")
        assert output["outputFacets"]["outputStatistics"]["rowCount"] == 3
        columns = output["facets"]["columnLineage"]["fields"]
        assert {name: [one["field"] for one in made["inputFields"]] for name, made in columns.items()} == {
            "id": ["id"],
            "answer": ["text"],
        }
        assert not ends[f"lineage.{group}.wait"]["outputs"]
    assert "ticket 1" not in json.dumps(events)
    assert "unknownSourceAttribute" not in json.dumps(events)


def run_with_listener(home: Path, connection: Any, folder: Path) -> list[dict[str, Any]]:
    """Run a DAG in a process of its own, where the listener is on, and return what it wrote."""
    path = folder / "warehouse.sqlite"
    connection("warehouse", conn_type="sqlite", host=str(path))
    with sqlite3.connect(path) as connected:
        connected.execute("create table tickets (id integer primary key, text text)")
        connected.executemany("insert into tickets values (?, ?)", [(n, f"ticket {n}") for n in range(3)])
    (folder / "in.jsonl").write_text("".join(f'{{"id": {n}, "text": "ticket {n}"}}\n' for n in (7, 8, 9)))
    sources = {
        "g": {"conn_id": "warehouse", "table": "tickets", "key": "id"},
        "h": {"path": str(folder / "in.jsonl"), "key": "id"},
        "i": {
            "conn_id": "warehouse",
            "sql": "select t.id + 20 as id, upper(t.text) as text from tickets as t",
            "key": "id",
        },
    }
    given = {"request": BODY, "target": {"conn_id": "warehouse", "table": "answers"}}
    file = home / "dags" / "lineage.py"
    file.write_text(DAG.format(arguments=given, sources=sources))
    transport = {"type": "file", "log_file_path": str(folder / "events.jsonl"), "append": True}
    env = os.environ | {
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "AIRFLOW__OPENAI_BATCH__WORK_PATH": f"file://{folder / 'runs'}",
    }
    done = subprocess.run([sys.executable, str(file)], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-3_000:]
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
