"""Promises of `@task.openai_batch` to who writes a DAG."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from airflow.providers.common.compat.sdk import DAG, task
from airflow.serialization import serialized_objects

from airflow_provider_openai_batch.decorators.openai_batch import context_names
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.task_group import NAMED

ASKED = {
    "source": {"key": "id"},
    "request": {"model": "m", "messages": [{"role": "user", "content": "{text}"}]},
    "target": {"conn_id": "w", "table": "t"},
}


def make_dag():
    return DAG("d", start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None)


def decorated(**changes):
    @task.openai_batch(**ASKED | changes)
    def tickets(team, ds, limit=10, **others):
        """Yield the tickets of a team."""
        yield {"id": 1, "text": f"{team} {ds} {limit} {others}"}

    return tickets


def test_a_call_adds_the_three_tasks_with_the_function_s_arguments():
    """By position or by name, also what `**others` takes; a second call has another name."""
    tickets = decorated()
    with make_dag() as dag:
        tickets("red", limit=5, more=1)
        tickets(team="blue")

    assert [t.task_id for t in dag.tasks] == [
        f"{group}.{name}" for group in ("tickets", "tickets__1") for name in ("submit", "wait", "load")
    ]
    assert dag.get_task("tickets.submit").source == {
        "key": "id",
        "call": "decorated.<locals>.tickets",
        "op_kwargs": {"team": "red", "limit": 5, "more": 1},
    }
    assert dag.get_task("tickets__1.submit").source["op_kwargs"] == {"team": "blue"}


def test_it_stands_between_other_tasks():
    """`>>` binds the whole group, an argument binds submit, and `.output` is the load's result."""
    with make_dag() as dag:

        @task
        def team():
            return "red"

        @task
        def check(loaded=None):
            return loaded

        labelled = decorated()(team())
        check.override(task_id="before")() >> labelled >> check.override(task_id="after")()
        check(labelled.output)

    submit, load = dag.get_task("tickets.submit"), dag.get_task("tickets.load")
    assert submit.upstream_task_ids == {"before", "team"}
    assert load.downstream_task_ids == {"after", "check"}


def test_override_changes_one_call():
    """The name of the group, and each argument of it; the function keeps its own."""
    tickets = decorated()
    with make_dag() as dag:
        tickets.override(group_id="again", output_type=["a", "b"], submit={"pool": "p"})("red")
        tickets("red")

    again, own = dag.get_task("again.submit"), dag.get_task("tickets.submit")
    assert (again.output_type, again.pool) == (["a", "b"], "p")
    assert (own.output_type, own.pool) == (None, "default_pool")


@pytest.mark.parametrize(
    "mapped",
    [
        lambda tickets: tickets.expand(team=["red", "blue"]),
        lambda tickets: tickets.partial(limit=3).expand(team=["red", "blue"]),
    ],
)
def test_a_mapped_function_is_one_group_with_named_instances(mapped):
    """Its tasks are called as without mapping, and each instance by its arguments."""
    with make_dag() as dag:
        group = mapped(decorated(wait={"poke_interval": 5}, tooltip="Tickets"))

    assert group.group_id == "tickets"
    assert [t.task_id for t in dag.tasks] == ["tickets.submit", "tickets.wait", "tickets.load"]
    assert {t.map_index_template for t in dag.tasks} == {NAMED}
    assert dag.get_task("tickets.wait").poke_interval == 5


def test_what_the_context_gives_is_not_mapped():
    """Airflow makes a value of each argument of an `expand_kwargs` function; `ds` comes from the run."""

    @task.openai_batch(**ASKED)
    def tickets(team, ds):
        yield {"id": team, "text": ds}

    with make_dag() as dag:
        tickets.expand_kwargs([{"team": "red"}, {"team": "blue"}])

    assert set(dag.get_task("tickets.submit").source["op_kwargs"]) == {"team"}


def test_the_names_of_the_context_are_those_of_airflow():
    """A later Airflow may have more of them; these each has."""
    assert {"ds", "ti", "params", "dag_run", "run_id", "data_interval_end"} <= context_names()
    assert "team" not in context_names()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "@task.openai_batch needs arguments: "),
        ({"request": {}}, "source is None; give @task.openai_batch the key of the rows: "),
        (ASKED | {"source": {"carry": "x"}}, "give @task.openai_batch the key of the rows: "),
    ],
)
def test_a_decorator_that_lacks_something_says_so_when_the_dag_is_parsed(asked, told):
    """With what to write instead."""
    with pytest.raises(InvalidRequest) as caught:

        @task.openai_batch(**asked)
        def tickets():
            yield {"id": 1}

    assert told in str(caught.value)


def test_an_argument_that_nobody_takes_is_refused_when_the_dag_is_parsed():
    """Of the function as of the group."""
    with make_dag(), pytest.raises(TypeError, match="no argument 'max_cost_usd'; it is a key of limits"):
        decorated(max_cost_usd=3)("red")
    with make_dag(), pytest.raises(TypeError, match="no argument 'max_cost_usd'; it is a key of limits"):
        decorated(max_cost_usd=3).expand(team=["red"])


def test_a_missing_argument_of_the_function_is_found_when_the_dag_is_parsed():
    """As `@task` finds it, unless the source has the arguments."""
    with make_dag(), pytest.raises(TypeError, match="missing a required argument: 'team'"):
        decorated()(limit=5)
    with make_dag() as dag:
        decorated(source={"key": "id", "op_kwargs": {"team": "red"}})()

    assert dag.get_task("tickets.submit").source["op_kwargs"] == {"team": "red"}


def test_the_dag_serializes_the_same_in_each_process():
    """An address of the function would make a new DAG version at each parse."""
    code = "from tests.decorators.test_openai_batch import serialized_dag; print(serialized_dag())"
    texts = {
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    }

    assert len(texts) == 1
    assert "0x" not in texts.pop()


def serialized_dag() -> str:
    with make_dag() as dag:
        decorated()("red")
        decorated(group_id="mapped").expand(team=["red", "blue"])
    # Airflow 3 splits the reading side off; the writing side has one name in 2 and another in 3.
    kind = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
    return json.dumps(kind.to_dict(dag), sort_keys=True)
