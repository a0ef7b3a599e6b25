"""Values of a DAG file as JSON holds them."""

from __future__ import annotations

import math

from airflow_provider_openai_batch.exceptions import InvalidRequest


def plain_json(argument: str, path: str, value: object) -> object:
    """Return a value with lists for tuples, or say where it holds what JSON has no form for."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple():
            return [plain_json(argument, f"{path}.{index}", part) for index, part in enumerate(value)]
        case dict() if all(isinstance(name, str) for name in value):
            return {name: plain_json(argument, f"{path}.{name}", part) for name, part in value.items()}
        case type():
            raise InvalidRequest(f"{argument}: {path} is the class {value.__name__}, which JSON cannot hold.")
    raise InvalidRequest(
        f"{argument}: {path} is a {type(value).__name__}, which JSON cannot hold: {value!r}."
    )
