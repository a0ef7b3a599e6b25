"""Promises of the submit operator that need no API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pandas as pd
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, literal, task
from pydantic import BaseModel

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.operators.load import OpenAIBatchLoadOperator
from airflow_provider_openai_batch.operators.submit import OpenAIBatchSubmitOperator

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "{text}"}]}


class Label(BaseModel):
    """What a user might ask for."""

    label: str


def make_submit(**changes):
    given = {"source": {"conn_id": "w", "table": "s", "key": "id"}, "request": REQUEST}
    return OpenAIBatchSubmitOperator(task_id="submit", **given | changes)


def render(operator, **context):
    running = operator.prepare_for_execution()
    running.render_template_fields(context)
    return running


def test_jinja_is_rendered_and_columns_are_not():
    """The first pass is Airflow's; single braces are left for the rows."""
    request = {"model": "m", "messages": [{"role": "user", "content": "{{ ds }}: {text}"}], "n": 1}
    running = render(make_submit(request=request), ds="2026-01-01")

    assert running.request["messages"][0]["content"] == "2026-01-01: {text}"
    assert list(running.request) == list(request)


def test_rows_are_neither_rendered_nor_shown():
    """Braces in a row are its own; rendered fields hold how many rows there are."""
    rows = [{"id": 1, "text": "{{ 7*7 }} {% raw"}]
    running = render(make_submit(source={"rows": rows, "key": "id"}))

    assert running.source == {"rows": "<1 rows>", "key": "id"}
    assert running._rows is rows


def test_a_file_of_rows_by_literal_is_kept_too():
    """`literal` is resolved when the task runs."""
    rows = [{"id": 1}]
    running = render(make_submit(source={"rows": literal(rows), "key": "id"}))

    assert (running._rows, running.source["rows"]) == (rows, "<1 rows>")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"source": "tickets"}, "source is a str; give a dict."),
        ({"source": [{"conn_id": "w"}]}, "source is a list; give a dict."),
        ({"request": {"model": "m"}}, "request['messages'] is None; give a list of messages."),
        ({"target": {}}, "target takes either 'conn_id' with 'table', or 'path'; it has none of them."),
        ({"limits": {"rows": "1,000"}}, "limits['rows'] is '1,000'; give a whole number from 1 on, such"),
        (
            {"resend": ["all"]},
            "resend needs submit's target: without it, answered rows cannot be identified.",
        ),
    ],
)
def test_what_no_rendering_mends_is_refused_when_the_dag_is_parsed(changes, told):
    """A DAG that could never send anything is not even scheduled."""
    with pytest.raises(InvalidRequest) as caught:
        make_submit(**changes)

    assert str(caught.value).startswith(told)


def test_rows_of_an_upstream_task_are_waited_for():
    """Its output stays where Airflow finds it: the dependency is set."""
    with DAG("d", start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None) as dag:

        @task
        def read():
            return []

        make_submit(source={"rows": read(), "key": "id"})

    assert dag.get_task("read").downstream_task_ids == {"submit"}


def test_a_frame_with_any_columns_is_set_aside():
    """A column may have the name of a method of Airflow's."""
    frame = pd.DataFrame({"id": [1, 2], "resolve": ["a", "b"]})
    submit = make_submit(source={"rows": frame, "key": "id"})

    assert submit.source["rows"] == "<2 rows>"
    assert submit._rows is frame


@pytest.mark.parametrize("column", ["{{subject}}", "{{ first name }}"])
def test_double_braces_get_a_hint(column):
    """The usual slip: a column written as a Jinja variable."""
    request = {"model": "m", "messages": [{"role": "user", "content": f"About {column}"}]}

    with DAG("d", start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None):
        submit = make_submit(request=request)

    with pytest.raises(AirflowFailException, match=r"A column is written \{subject\}, with single braces"):
        render(submit)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("data_interval_end | ds", "This run has no logical date, .* and so no 'data_interval_end'; write"),
        ("ds_nodash", "This run has no logical date, .* and so no 'ds_nodash'; write"),
        ("execution_date", "Airflow 3 has no 'execution_date' any more; a date that every run has is"),
        ("data_interval_edn", "Did you mean Airflow's 'data_interval_end'?"),
        ("subject", "is undefined. A column is written {subject}, with single braces"),
    ],
)
@pytest.mark.parametrize("kind", ["submit", "load"])
def test_a_name_of_airflow_s_own_gets_its_own_hint(kind, name, told):
    """Whoever asks for a date that this run lacks is not told about columns."""
    value = {"conn_id": "w", "table": f"t_{{{{ {name} }}}}"}
    with DAG("d", start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None):
        if kind == "submit":
            operator = make_submit(target=value)
        else:
            operator = OpenAIBatchLoadOperator(task_id="load", run_uri="file:///r", target=value)

    with pytest.raises(AirflowFailException, match=told):
        render(operator)


def test_a_pydantic_class_becomes_its_schema():
    """Airflow would call a class in a template field; all that follows sees a dict."""
    output_type = make_submit(output_type=Label).output_type

    assert output_type["properties"]["label"]["type"] == "string"


def test_a_pydantic_class_with_strict_becomes_its_schema():
    """The class inside the wrapper can be rendered and recorded as well."""
    submit = make_submit(output_type={"schema": Label, "strict": True})

    assert submit.output_type == {"schema": Label.model_json_schema(), "strict": True}
    assert render(submit).output_type == submit.output_type


def test_a_literal_becomes_its_labels():
    """Airflow would call a `Literal`, too."""
    submit = make_submit(output_type=Literal["bug", "feature"])

    assert render(submit).output_type == ["bug", "feature"]


@pytest.mark.parametrize("output_type", [int, {"schema": int}, list[Label], Label | None])
def test_a_class_that_is_no_schema_is_refused_when_the_dag_is_parsed(output_type):
    """The message names the argument."""
    with pytest.raises(InvalidRequest, match="output_type"):
        make_submit(output_type=output_type)


def test_mapped_over_sources_keeps_rows_apart():
    """An expanded task sets its rows aside as well."""
    with DAG("d", start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None):
        mapped = OpenAIBatchSubmitOperator.partial(task_id="submit", request=REQUEST).expand(
            source=[{"rows": [{"id": 1}], "key": "id"}]
        )
        one = mapped.unmap({"source": {"rows": [{"id": 1}], "key": "id"}})

    assert (one.source["rows"], one._rows) == ("<1 rows>", [{"id": 1}])
