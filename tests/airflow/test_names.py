"""No argument hides an attribute of Airflow's, and every name means what Airflow means by it."""

from __future__ import annotations

import inspect

import pytest
from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator, MappedOperator, TaskGroup

from airflow_provider_openai_batch.operators.load import OpenAIBatchLoadOperator
from airflow_provider_openai_batch.operators.submit import OpenAIBatchSubmitOperator
from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor
from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

BASES = (BaseOperator, BaseSensorOperator, MappedOperator, TaskGroup)
CLASSES = (OpenAIBatchSubmitOperator, OpenAIBatchSensor, OpenAIBatchLoadOperator, OpenAIBatchTaskGroup)


def arguments_of(kind: type) -> set[str]:
    return set(inspect.signature(kind.__init__).parameters) - {"self", "kwargs"}


def taken() -> set[str]:
    made = (BaseOperator(task_id="a"), BaseSensorOperator(task_id="b"))
    own = {name for operator in made for name in vars(operator)}
    return own.union(*(dir(base) for base in BASES), *(arguments_of(base) for base in BASES))


@pytest.mark.parametrize("kind", CLASSES)
def test_no_argument_has_a_name_of_airflows(kind):
    """Only what the base class itself takes, with the same meaning, may bear its name."""
    passed_on = {"poke_interval", "timeout", "mode", "max_wait"} if kind is OpenAIBatchSensor else set()
    passed_on |= {"group_id"} if kind is OpenAIBatchTaskGroup else set()

    assert passed_on <= arguments_of(BaseSensorOperator) | arguments_of(TaskGroup)
    assert not (arguments_of(kind) - passed_on) & taken()


@pytest.mark.parametrize("kind", CLASSES[:3])
def test_template_fields_are_arguments(kind):
    """Airflow fills a mapped task's arguments by the names of its template fields."""
    assert set(kind.template_fields) <= arguments_of(kind)
    assert tuple(kind.template_ext) == ()


def test_the_group_has_an_output_of_its_own():
    """`.output` is ours to give on both versions."""
    assert not hasattr(TaskGroup, "output")


def test_the_base_sensor_still_asks_for_its_interval():
    """The growing pause hangs on this method of the base class."""
    names = list(inspect.signature(BaseSensorOperator._get_next_poke_interval).parameters)

    assert names == list(inspect.signature(OpenAIBatchSensor._get_next_poke_interval).parameters)
