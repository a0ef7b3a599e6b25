"""The provider's metadata for Airflow; imports only data, because Airflow calls it during its own import."""

from __future__ import annotations

from typing import Any

from airflow_provider_openai_batch.connection_fields import FIELDS, HIDDEN, PLACEHOLDERS, RELABELED

PACKAGE = "airflow_provider_openai_batch"
INTEGRATION = "OpenAI Batch"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata by Airflow's `provider_info.schema.json`."""
    return {
        "package-name": "airflow-provider-openai-batch",
        "name": INTEGRATION,
        "description": "A table in, a table out, through OpenAI's half-price Batch API.",
        "integrations": [
            {
                "integration-name": INTEGRATION,
                "external-doc-url": "https://platform.openai.com/docs/guides/batch",
                "tags": ["service", "openai", "llm", "ai"],
            }
        ],
        "operators": [_modules("operators.submit", "operators.load")],
        "sensors": [_modules("sensors.openai_batch")],
        "triggers": [_modules("triggers.openai_batch")],
        "hooks": [_modules("hooks.openai_batch")],
        "extra-links": [f"{PACKAGE}.links.{name}" for name in ("ReportLink", "RunLink", "BatchesLink")],
        "task-decorators": [
            {"name": "openai_batch", "class-name": f"{PACKAGE}.decorators.openai_batch.openai_batch_task"}
        ],
        "connection-types": [_connection_type()],
        "plugins": [{"name": "openai_batch", "plugin-class": f"{PACKAGE}.plugin.OpenAIBatchPlugin"}],
        "config": {"openai_batch": _config()},
    }


def _modules(*names: str) -> dict[str, Any]:
    return {"integration-name": INTEGRATION, "python-modules": [f"{PACKAGE}.{name}" for name in names]}


def _connection_type() -> dict[str, Any]:
    return {
        "connection-type": "openai_batch",
        "hook-class-name": f"{PACKAGE}.hooks.openai_batch.OpenAIBatchHook",
        "hook-name": INTEGRATION,
        "ui-field-behaviour": {
            "hidden-fields": list(HIDDEN),
            "relabeling": RELABELED,
            "placeholders": PLACEHOLDERS,
        },
        "conn-fields": FIELDS,
    }


def _config() -> dict[str, Any]:
    def option(kind: str, default: str, example: str, description: str) -> dict[str, Any]:
        return {
            "description": description,
            "version_added": "0.1.0",
            "type": kind,
            "default": default,
            "example": example,
        }

    return {
        "description": "Runs of OpenAI's Batch API.",
        "options": {
            "work_path": option(
                "string",
                "",
                "s3://aws_default@bucket/openai_batch",
                "Storage for the folders of the runs, shared by workers, triggerer, and api-server. Empty: "
                "a folder below AIRFLOW_HOME, which only LocalExecutor and `dag.test()` accept.",
            ),
            "first_look": option(
                "float",
                "15",
                "0",
                "Seconds that a trigger waits before its first look. A trigger that fires immediately can "
                "make the scheduler fail its task.",
            ),
            "settle": option(
                "float",
                "600",
                "600",
                "Seconds after which the API's list shows every batch, also one whose create got no answer.",
            ),
            "retention_days": option(
                "float",
                "30",
                "90",
                "Days after which `python -m airflow_provider_openai_batch purge` deletes the rows, "
                "requests, and answers of a landed run from its folder. Counts and the target stay.",
            ),
            "show_keys": option(
                "boolean",
                "True",
                "False",
                "Whether messages and reports may show up to five values of key columns.",
            ),
            "metadata": option(
                "boolean",
                "True",
                "False",
                "Whether the metadata of a batch, which the API's dashboard shows, name dag_id, task_id, "
                "and run_id.",
            ),
            "http_logs": option(
                "boolean",
                "False",
                "True",
                "Whether the log of a task has a line for each call of the API, to find a fault.",
            ),
            "azure_credential": option(
                "string",
                "",
                "my_company.identity.make_credential",
                "The dotted path of a function without arguments that returns a credential of azure-core, "
                "for connections with `auth` = entra. Empty: a client secret, or DefaultAzureCredential.",
            ),
            "prices": option(
                "string",
                "",
                "s3://aws_default@bucket/prices.json",
                "A JSON file of prices by model, in addition to the shipped table: "
                '{"my-model": {"input": 0.25, "cached_input": 0.025, "output": 2}}, in USD per 1M tokens of '
                "a synchronous request. A connection's extra may hold the same as `prices`.",
            ),
        },
    }
