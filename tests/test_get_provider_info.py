"""Promises of the provider's metadata."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import airflow
import jsonschema
import pytest

from airflow_provider_openai_batch.get_provider_info import get_provider_info
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from airflow_provider_openai_batch.operators.load import OpenAIBatchLoadOperator
from airflow_provider_openai_batch.operators.submit import OpenAIBatchSubmitOperator
from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor


def test_airflow_accepts_it():
    """Airflow drops a provider whose metadata its schema refuses."""
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())

    jsonschema.validate(get_provider_info(), schema)


@pytest.mark.parametrize("kind", ["operators", "sensors", "triggers", "hooks"])
def test_named_modules_exist(kind):
    """Every module that is named can be imported."""
    modules = [name for group in get_provider_info()[kind] for name in group["python-modules"]]

    assert modules
    assert all(importlib.import_module(name) for name in modules)


def test_named_links_are_those_of_the_tasks():
    """Airflow 2 shows only links whose classes are named."""
    named = {getattr(importlib.import_module(path.rpartition(".")[0]), path.rpartition(".")[2])
             for path in get_provider_info()["extra-links"]}  # fmt: skip

    for operator in (OpenAIBatchSubmitOperator, OpenAIBatchSensor, OpenAIBatchLoadOperator):
        assert {type(link) for link in operator.operator_extra_links} == named


def test_connection_type_is_the_hooks():
    """The form of Airflow 3 and the hook of Airflow 2 say the same."""
    (connection_type,) = get_provider_info()["connection-types"]
    behaviour = OpenAIBatchHook.get_ui_field_behaviour()

    assert connection_type["connection-type"] == OpenAIBatchHook.conn_type
    assert connection_type["hook-name"] == OpenAIBatchHook.hook_name
    assert connection_type["ui-field-behaviour"] == {
        name.replace("_", "-"): value for name, value in behaviour.items()
    }
    widgets = OpenAIBatchHook.get_connection_form_widgets()
    assert not widgets or list(widgets) == list(connection_type["conn-fields"])


def test_config_has_the_keys_that_exist():
    """A key whose feature does not exist yet is not offered."""
    options = get_provider_info()["config"]["openai_batch"]["options"]

    assert sorted(options) == [
        "azure_credential",
        "first_look",
        "http_logs",
        "metadata",
        "prices",
        "retention_days",
        "settle",
        "show_keys",
        "work_path",
    ]
    assert all(
        set(option) >= {"description", "version_added", "type", "default"} for option in options.values()
    )
