"""A table in, a table out: OpenAI's half-price Batch API as a step of an Airflow pipeline."""

__all__ = [
    "OpenAIBatchHook",
    "OpenAIBatchLoadOperator",
    "OpenAIBatchRunTrigger",
    "OpenAIBatchSensor",
    "OpenAIBatchSubmitOperator",
    "OpenAIBatchTaskGroup",
    "partition_source",
]

_MODULES = {
    "OpenAIBatchHook": "hooks.openai_batch",
    "OpenAIBatchLoadOperator": "operators.load",
    "OpenAIBatchRunTrigger": "triggers.openai_batch",
    "OpenAIBatchSensor": "sensors.openai_batch",
    "OpenAIBatchSubmitOperator": "operators.submit",
    "OpenAIBatchTaskGroup": "task_group",
    "partition_source": "partitions",
}


def __getattr__(name: str) -> object:
    # Airflow imports this package to read its provider info; importing Airflow here would be a cycle.
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("airflow-provider-openai-batch")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
