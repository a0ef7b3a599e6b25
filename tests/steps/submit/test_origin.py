"""A run records where its rows came from, for its lineage, and nothing else reads it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.run.facts import Origin
from airflow_provider_openai_batch.steps.run_folder.recorded import recorded_submission
from airflow_provider_openai_batch.steps.submit.origin import origin_of
from airflow_provider_openai_batch.steps.submit.recipe import Layout

LAYOUT = Layout(key=("id",), carry=(), used=("text",))
SAME = {"id": ((0, "id"),), "text": ((0, "text"),)}


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        (
            {"conn_id": "w", "table": "dwh.tickets"},
            Origin(conn_id="w", tables=(("dwh", "tickets"),), used=("text",), fields=SAME),
        ),
        ({"path": "s3://b/in"}, Origin(path="s3://b/in", used=("text",), fields=SAME)),
        (
            {"conn_id": "w", "sql": "select t.id, u.name as text from t join u on u.id = t.uid"},
            Origin(
                conn_id="w",
                tables=(("t",), ("u",)),
                used=("text",),
                fields={"id": ((0, "id"),), "text": ((1, "name"),)},
            ),
        ),
        ({"conn_id": "w", "sql": "exec my_procedure 'x' !"}, None),
    ],
)
def test_each_kind_of_source_is_traced(source: dict[str, Any], origin: Origin | None) -> None:
    """A table and a file have the columns as they are read, a query those of its tables."""
    found = origin_of(arguments.source({"key": "id", **source}), LAYOUT)

    assert found == (origin or Origin(conn_id="w", used=("text",), fields={"id": (), "text": ()}))


def test_rows_come_from_nowhere() -> None:
    """What a task hands over has no table."""
    assert origin_of(arguments.source({"key": "id"}, has_rows=True), LAYOUT) == Origin()


def test_a_run_records_it(pipeline: Any) -> None:
    """The submission of a run has the columns that its request names."""
    pipeline.submit()

    same = {"id": ((0, "id"),), "body": ((0, "body"),)}
    assert recorded_submission(pipeline.store).origin == Origin(
        conn_id="warehouse", tables=(("tickets",),), used=("body",), fields=same
    )
