"""Texts of a DAG stay texts, whatever `render_template_as_native_obj` says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_openai_batch import (
    OpenAIBatchLoadOperator,
    OpenAIBatchSensor,
    OpenAIBatchSubmitOperator,
)

SOURCE = {"conn_id": "w", "table": "t", "key": "id"}
PARAMS = {
    "text": "42", "json": '{"a": 1}', "list": ["1", "2"], "number": 7, "nothing": None, "true": True,
    "request": {"model": "1", "messages": [{"role": "user", "content": "42"}], "seed": 1},
}  # fmt: skip


def messages(content: str) -> list[dict[str, Any]]:
    return [{"role": "system", "content": content}, {"role": "user", "content": "{text}"}]


def rendered(operator: type, *, native: bool, **arguments: Any) -> Any:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with DAG("d", start_date=start, schedule=None, render_template_as_native_obj=native):
        task = operator(task_id="t", **arguments).prepare_for_execution()
    task.render_template_fields({"params": PARAMS, "ds": "2026-01-02", "ds_nodash": "20260102"})
    return task


def submit(*, native: bool = True, **arguments: Any) -> Any:
    given = {"source": SOURCE, "request": {"model": "m", "messages": messages("x")}}
    return rendered(OpenAIBatchSubmitOperator, native=native, **given | arguments)


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("42", "42"), ('{"a": 1}', '{"a": 1}'), ("None", "None"), ("['a']", "['a']"), ("1_000", "1_000"),
        ("007", "007"), ('"quoted"', '"quoted"'), ("True", "True"), ("{{ params.text }}", "42"),
        ("{{ params.json }}", '{"a": 1}'), ("{{ params.number }}", "7"), ("{{ params.list }}", "['1', '2']"),
        ("{{ params.nothing }}", "None"), ("{{ params.text }}{{ params.text }}", "4242"),
        ("{% if true %}1.0{% endif %}", "1.0"), ("{% set x %}12{% endset %}{{ x }}", "12"),
        ("{% macro m() %}1_0{% endmacro %}{{ m() }}", "1_0"), ("{{ ds_nodash }}", "20260102"),
    ],
)  # fmt: skip
def test_texts_stay_texts(native, text, made):
    """A message, a label, a schema, a name, and a partition are what they are without native rendering."""
    schema = {"type": "object", "properties": {"p": {"enum": ["1", text], "description": text}}}
    target = {"path": "/out", "mode": "replace_partition", "partition": {"day": text}}

    task = submit(
        native=native,
        request={"model": "m", "messages": messages(text), "user": text, "metadata": {"n": text}},
        output_type={"schema": schema, "strict": False},
        source=SOURCE | {"where": text},
        target=target,
    )
    labels = submit(native=native, output_type=["1", text]).output_type

    assert task.request["messages"][0]["content"] == made
    assert (task.request["user"], task.request["metadata"]) == (made, {"n": made})
    assert task.output_type["schema"]["properties"]["p"] == {"enum": ["1", made], "description": made}
    assert labels == ["1", made]
    assert task.target["partition"] == {"day": made}
    assert task.source["where"] == (None if native and "nothing" in text else made)


@pytest.mark.parametrize("native", [False, True])
def test_names_stay_texts(native):
    """A connection and a folder of digits are names."""
    task = submit(native=native, openai_conn_id="{{ params.text }}", work_path="{{ params.text }}")

    assert (task.openai_conn_id, task.work_path) == ("42", "42")


@pytest.mark.parametrize(
    ("arguments", "name", "made"),
    [
        ({"request": "{{ params.request }}"}, "request", PARAMS["request"]),
        ({"output_type": "{{ params.list }}"}, "output_type", ["1", "2"]),
        ({"output_type": "{{ params.nothing }}"}, "output_type", None),
        ({"limits": {"rows": "{{ params.number }}", "preview": "{{ params.true }}"}}, "limits",
         {"rows": 7, "preview": True}),
        ({"limits": {"rows": "{{ params.text }}"}}, "limits", {"rows": "42"}),
        ({"source": {"rows": "{{ params.list }}", "key": "{{ params.list }}"}}, "source",
         {"rows": "<2 rows>", "key": ["1", "2"]}),
        ({"source": SOURCE | {"where": "{{ params.nothing }}"}}, "source", SOURCE | {"where": None}),
        ({"source": {"conn_id": "w", "sql": "s", "key": "id", "parameters": {"a": "{{ params.number }}"}}},
         "source", {"conn_id": "w", "sql": "s", "key": "id", "parameters": {"a": 7}}),
    ],
)  # fmt: skip
def test_objects_arrive_where_one_can_be_meant(arguments, name, made):
    """What a template alone gives for a dict, a list, a limit, or a parameter is not turned into a text."""
    assert getattr(submit(**arguments), name) == made


def test_objects_in_a_body_arrive():
    """So it is with the messages, a schema, and a number that the API takes as no text."""
    asks = {
        "model": "m", "messages": "{{ params.request.messages }}", "temperature": "{{ params.number }}",
        "logit_bias": {"1": "{{ params.number }}"}, "seed": "{{ params.text }}",
        "stop": "{{ params.list }}", "store": "{{ params.true }}",
    }  # fmt: skip

    made = submit(request=asks).request

    assert made == {
        "model": "m", "messages": PARAMS["request"]["messages"], "temperature": 7,
        "logit_bias": {"1": 7}, "seed": "42", "stop": ["1", "2"], "store": True,
    }  # fmt: skip


@pytest.mark.parametrize("operator", [OpenAIBatchSensor, OpenAIBatchLoadOperator])
@pytest.mark.parametrize("native", [False, True])
def test_a_run_is_found_by_its_uri(operator, native):
    """A text stays one for the sensor and the load too; the whole output arrives where Airflow gives it."""
    assert rendered(operator, native=native, run_uri="{{ params.text }}").run_uri == "42"
    if native:
        assert rendered(operator, native=True, run_uri="{{ params.request }}").run_uri == PARAMS["request"]
