"""Promises of the group and of the DAG that holds it."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import DAG, task, task_group
from airflow.serialization import serialized_objects

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.task_group import NAMED, OpenAIBatchTaskGroup

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "{text}"}]}
TARGET = {"conn_id": "w", "table": "t"}
SOURCE = {"conn_id": "w", "table": "s", "key": "id"}


def make_dag(**default_args):
    return DAG("d", start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None, default_args=default_args)


def make_group(**changes):
    return OpenAIBatchTaskGroup("g", **{"source": SOURCE, "request": REQUEST, "target": TARGET} | changes)


def serialized(dag) -> dict:
    # Airflow 3 splits the reading side off; the writing side has one name in 2 and another in 3.
    kind = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
    return kind.to_dict(dag)


def test_three_tasks_in_a_row():
    """submit, then wait, then load, which takes the run from submit."""
    with make_dag() as dag:
        make_group()

    assert {t.task_id: t.downstream_task_ids for t in dag.tasks} == {
        "g.submit": {"g.wait", "g.load"},
        "g.wait": {"g.load"},
        "g.load": set(),
    }


def test_load_takes_the_run_from_submit():
    """A wait that a person marks as success has no output, and what was answered lands all the same."""
    with make_dag() as dag:
        make_group()

    assert dag.get_task("g.load").run_uri.operator.task_id == "g.submit"


def test_output_is_the_load_result():
    """A task after the group takes what load returned."""
    with make_dag() as dag:

        @task
        def report(loaded):
            return loaded

        report(make_group().output)

    assert dag.get_task("g.load").downstream_task_ids == {"report"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"max_cost_usd": 5}, "no argument 'max_cost_usd'; it is a key of limits"),
        ({"endpoint": "/v1/responses"}, "no argument 'endpoint'; it is a key of request"),
        ({"key": "id"}, "no argument 'key'; it is a key of source"),
        ({"retries": 3}, "submit, wait, and load; what a task takes is a key of these three"),
        ({"conn_id": "openai"}, "no argument 'conn_id'; give the OpenAI connection as 'openai_conn_id'"),
        ({"limit": {"rows": 5}}, "no argument 'limit'; it has source, request, output_type, target, limits"),
    ],
)
def test_an_argument_in_the_wrong_place(given, told):
    """The message says where it belongs."""
    with make_dag(), pytest.raises(TypeError, match=told):
        make_group(**given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"target": None}, "target is None; give a dict, or the answers"),
        ({"wait": 60}, "wait is 60; give a dict of the task's other arguments."),
        ({"load": {"target": {"path": "/p"}}}, "target['path'] cannot take mode 'merge', the default; "),
    ],
)
def test_what_could_never_land_is_refused_when_the_dag_is_parsed(given, told):
    """Before anything is paid for."""
    with make_dag(), pytest.raises(InvalidRequest) as caught:
        make_group(**given)

    assert str(caught.value).startswith(told)


def test_the_target_may_be_the_load_s_own():
    """Submit then looks at no table."""
    with make_dag() as dag:
        make_group(target=None, load={"target": TARGET})

    assert dag.get_task("g.load").target == TARGET


def test_arguments_of_single_tasks():
    """Each task takes its own; the wait is patient unless told otherwise."""
    with make_dag(retries=1, execution_timeout=timedelta(hours=1)) as dag:
        make_group(submit={"pool": "p"}, wait={"poke_interval": 5, "timeout": 60}, load={"retries": 7})
    submit, wait, load = (dag.get_task(f"g.{name}") for name in ("submit", "wait", "load"))

    assert (submit.pool, submit.retries, load.retries) == ("p", 1, 7)
    assert (wait.poke_interval, wait.retries, wait.execution_timeout) == (5, 3, None)


def test_defaults_of_the_dag_reach_the_tasks():
    """`limits` are merged key by key; what the group is not given, the DAG gives."""
    with make_dag(limits={"max_attempts": 1, "max_failed_ratio": 0.5}, openai_conn_id="team") as dag:
        make_group(limits={"max_attempts": 2})
    submit = dag.get_task("g.submit")

    assert submit.limits == {"max_attempts": 2, "max_failed_ratio": 0.5}
    assert submit.openai_conn_id == "team"


def test_it_can_be_mapped():
    """Inside a mapped `@task_group` it runs once per element."""
    with make_dag() as dag:

        @task_group
        def each(table):
            make_group(source={"conn_id": "w", "table": table, "key": "id"})

        each.expand(table=["a", "b"])

    assert {t.task_id for t in dag.tasks} == {"each.g.submit", "each.g.wait", "each.g.load"}
    assert {t.map_index_template for t in dag.tasks} == {NAMED}


def test_a_name_of_mapped_tasks_is_the_users_if_given():
    """Only a mapped group names its tasks, and each task may be named otherwise."""
    with make_dag() as dag:

        @task_group
        def each(table):
            make_group(
                source={"conn_id": "w", "table": table, "key": "id"}, wait={"map_index_template": "{{ ds }}"}
            )

        each.expand(table=["a", "b"])
        make_group()
    names = {t.task_id: t.map_index_template for t in dag.tasks}

    assert (names["each.g.submit"], names["each.g.wait"]) == (NAMED, "{{ ds }}")
    assert {names["g.submit"], names["g.wait"], names["g.load"]} == {None}


def test_partial_and_expand_map_the_group_itself():
    """The tasks are called as without mapping; what differs is given to `expand`."""
    with make_dag() as dag:
        partial = OpenAIBatchTaskGroup.partial("g", request=REQUEST, target=TARGET, tooltip="Tickets")
        group = partial.expand(source=[SOURCE, SOURCE | {"table": "other"}])

    assert (group.group_id, group.tooltip) == ("g", "Tickets")
    assert [t.task_id for t in dag.tasks] == ["g.submit", "g.wait", "g.load"]
    assert {t.map_index_template for t in dag.tasks} == {NAMED}
    assert dag.get_task("g.load").run_uri.operator.task_id == "g.submit"


@pytest.mark.parametrize(
    ("fixed", "mapped", "told"),
    [
        ({}, {"submit": [{}]}, "expand has no argument 'submit'; what can be mapped is source, request"),
        ({"source": SOURCE}, {"source": [SOURCE]}, "'source' is given to partial and to expand"),
        ({"max_cost_usd": 3}, {"source": [SOURCE]}, "no argument 'max_cost_usd'; it is a key of limits"),
        ({"target": None}, {"source": [SOURCE]}, "target is None; give a dict"),
    ],
)
def test_what_cannot_be_mapped_says_why(fixed, mapped, told):
    """When the DAG is parsed."""
    given = {"request": REQUEST, "target": TARGET} | fixed
    with make_dag(), pytest.raises((TypeError, InvalidRequest), match=told):
        OpenAIBatchTaskGroup.partial("g", **given).expand(**mapped)


def test_a_partial_group_that_is_never_expanded_warns():
    """In the words of Airflow's own: the DAG would lack the group, and nothing else would say so."""
    with make_dag(), pytest.warns(UserWarning, match="^Partial task group 'g' was never mapped!$"):
        OpenAIBatchTaskGroup.partial("g", request=REQUEST, target=TARGET)
    with make_dag(), warnings.catch_warnings():
        warnings.simplefilter("error")
        OpenAIBatchTaskGroup.partial("g", request=REQUEST, target=TARGET).expand(source=[SOURCE])


@pytest.mark.parametrize("mapped", [OpenAIBatchTaskGroup, OpenAIBatchTaskGroup.partial("g")])
def test_mapping_in_another_way_says_how_to(mapped):
    """Whoever tries it reads what to write."""
    with make_dag(), pytest.raises(TypeError, match=r"decorator @task_group.*expand that function"):
        mapped.expand_kwargs([{"source": SOURCE}])
    with make_dag(), pytest.raises(TypeError, match=r"partial\('label', request"):
        OpenAIBatchTaskGroup.expand(source=[SOURCE])


def test_dag_serializes_the_same_each_time_and_without_rows():
    """Another hash at each parse would make a new DAG version; row text is nobody's to see."""

    def parse():
        with make_dag() as dag:
            make_group(source={"rows": [{"id": 1, "text": "canary"}], "key": "id"})
        text = json.dumps(serialized(dag), sort_keys=True)
        return text.replace(dag.fileloc, "")

    assert parse() == parse()
    assert "canary" not in parse()
    assert "<1 rows>" in parse()
