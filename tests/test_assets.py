"""The target is an asset whose URI is known before the run, or an alias that the load resolves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, Asset, AssetAlias
from airflow.serialization import serialized_objects

from airflow_provider_openai_batch.assets import target_asset, uri_of
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.operators.load import OpenAIBatchLoadOperator
from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "{text}"}]}
SOURCE = {"conn_id": "w", "table": "s", "key": "id"}


@pytest.mark.parametrize(
    ("target", "uri"),
    [
        ({"conn_id": "warehouse", "table": "ticket_labels"}, "x-openai-batch://warehouse/ticket_labels"),
        ({"conn_id": "w", "table": "dwh.Labels"}, "x-openai-batch://w/dwh/Labels"),
        ({"conn_id": "w", "table": ["dwh", "Labels"]}, "x-openai-batch://w/dwh/Labels"),
        ({"conn_id": "w", "table": 'dwh."my.labels"'}, "x-openai-batch://w/dwh/my.labels"),
        ({"conn_id": "a/b c", "table": ["größe"]}, "x-openai-batch://a%2Fb%20c/gr%C3%B6%C3%9Fe"),
        ({"path": "s3://aws_default@bucket/labels/", "mode": "append"}, "s3://bucket/labels"),
        ({"path": "gs://bucket/a/b"}, "gs://bucket/a/b"),
        ({"path": "/data/labels/"}, "file:///data/labels"),
        ({"path": "file:///data/labels"}, "file:///data/labels"),
        (
            {"conn_id": "w", "table": "t", "mode": "replace_partition", "partition": {"day": "{{ ds }}"}},
            "x-openai-batch://w/t",
        ),
        ({"conn_id": "w", "table": "t_{{ ds_nodash }}"}, None),
        ({"path": "s3://bucket/{{ ds }}"}, None),
        ("{{ params.target }}", None),
    ],
)
def test_the_uri_says_which_table_or_folder(target: Any, uri: str | None) -> None:
    """It holds the connection's name or the path; only a template in these is unknown before the run."""
    assert uri_of(target) == uri
    if uri is not None:
        assert Asset(uri).uri == uri
        assert target_asset(target) == Asset(uri)


def test_a_dag_cannot_follow_what_is_unknown() -> None:
    """The error says what to write instead."""
    with pytest.raises(InvalidRequest, match=r"known only when load runs.*AssetAlias"):
        target_asset({"conn_id": "w", "table": "{{ params.table }}"})


def group(**changes: Any) -> Any:
    with DAG("d", start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None) as dag:
        given = {"source": SOURCE, "request": REQUEST, "target": {"conn_id": "w", "table": "t"}}
        OpenAIBatchTaskGroup("g", **given | changes)
    return dag.get_task("g.load")


def test_load_has_the_target_of_submit_as_outlet() -> None:
    """Also where the group gives the target to submit alone; Airflow's own outlets stay."""
    other = Asset("x-other://a")

    assert group().outlets == [Asset("x-openai-batch://w/t")]
    assert group(load={"outlets": [other]}).outlets == [other, Asset("x-openai-batch://w/t")]


def test_the_asset_can_be_another_one_or_none() -> None:
    """Also by default_args of the DAG."""
    mine = Asset("x-mine://labels")
    with DAG("d", schedule=None, default_args={"asset": False}) as dag:
        OpenAIBatchLoadOperator(task_id="load", run_uri="file:///r", target={"conn_id": "w", "table": "t"})

    assert group(asset=False).outlets == []
    assert dag.get_task("load").outlets == []
    assert group(asset=mine).outlets == [mine]
    assert group(asset="x-mine://labels").outlets == [mine]


@pytest.mark.parametrize("table", ["t_{{ ds_nodash }}", None])
def test_an_unknown_target_is_an_alias(table: str | None) -> None:
    """Its name is that of the task: a template, or a run that only has its URI, is resolved by the load."""
    target = None if table is None else {"conn_id": "w", "table": table}
    with DAG("d", schedule=None) as dag:
        OpenAIBatchLoadOperator(task_id="load", run_uri="file:///r", target=target)

    assert dag.get_task("load").outlets == [AssetAlias("x-openai-batch://d/load")]


def test_a_mapped_load_tells_the_outlets_of_partial() -> None:
    """Airflow knows no other outlet of it."""
    given = target_asset({"conn_id": "w", "table": "t"})
    with DAG("d", schedule=None) as dag:
        OpenAIBatchLoadOperator.partial(
            task_id="told", outlets=[given], target={"conn_id": "w", "table": "t"}
        ).expand(run_uri=["file:///r"])
        OpenAIBatchLoadOperator.partial(
            task_id="silent", target={"conn_id": "w", "table": "t"}, asset=False
        ).expand(run_uri=["file:///r"])

    told, silent = (dag.get_task(name).unmap({"run_uri": "file:///r"}) for name in ("told", "silent"))
    assert (told.outlet, told.outlets) == (given, [given])
    assert (silent.outlet, silent.outlets) == (None, [])


def test_callbacks_stay_out_of_the_serialized_dag() -> None:
    """As Airflow's own: the DAG file has them, and the scheduler does not need them."""
    kind = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG

    assert "on_complete" not in json.dumps(kind.to_dict(group(on_complete=[print, len]).dag))
