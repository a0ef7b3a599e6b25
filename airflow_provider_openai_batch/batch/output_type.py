"""What a DAG file may give as `output_type`, made plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_openai_batch.exceptions import InvalidRequest

OutputType = list[str] | dict[str, Any] | None
WRAPPER = frozenset({"schema", "strict"})
SCHEMA_WORDS = frozenset({"type", "properties", "$ref"})


def normalize_output_type(value: object) -> OutputType:
    """Make an output type plain data: a pydantic class becomes its JSON schema."""
    match value:
        case None:
            return None
        case list() | tuple():
            return _labels(value)
        case Mapping():
            return _plain(value)
        case type() if hasattr(value, "model_json_schema"):
            return dict(value.model_json_schema())
    raise InvalidRequest(
        f"output_type is a {type(value).__name__}; give a list of labels, a JSON schema, or a pydantic class."
    )


def _labels(values: Iterable[object]) -> list[str]:
    labels = [value for value in values if isinstance(value, str) and value]
    if not labels or len(labels) < len(list(values)):
        raise InvalidRequest(f"output_type is {values!r}; labels are non-empty strings.")
    if len(set(labels)) < len(labels):
        raise InvalidRequest(f"output_type is {labels!r}; it names a label twice.")
    return labels


def _plain(value: Mapping[Any, Any]) -> dict[str, Any]:
    if not is_wrapper(value):
        return dict(value)
    unknown = [name for name in value if name not in WRAPPER]
    if unknown or "schema" not in value or not isinstance(value.get("strict", True), bool):
        raise InvalidRequest(
            f"output_type has the keys {sorted(map(str, value))}; allowed: 'schema', and 'strict' as a bool."
        )
    schema = normalize_output_type(value["schema"])
    if not isinstance(schema, dict) or WRAPPER & schema.keys():
        raise InvalidRequest("output_type['schema'] is no JSON schema; give one, or a pydantic class.")
    return {**value, "schema": schema}


def is_wrapper(value: Mapping[Any, Any]) -> bool:
    """Tell `{"schema": ..., "strict": ...}` from a schema."""
    return bool(WRAPPER & value.keys()) and not SCHEMA_WORDS & value.keys()
