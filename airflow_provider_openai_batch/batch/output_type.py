"""What a DAG file may give as `output_type`, made plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from airflow_provider_openai_batch.batch.plain_json import plain_json
from airflow_provider_openai_batch.batch.strict_rules import (
    LARGE_ENUM,
    MAX_CHARACTERS,
    MAX_ENUM_VALUES,
    MAX_LARGE_ENUM_CHARACTERS,
)
from airflow_provider_openai_batch.exceptions import InvalidRequest

SHOWN = 60
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
        case type() if issubclass(value, Enum):
            return _labels([member.value for member in value])
        case type() if hasattr(value, "model_json_schema"):
            return _schema_of(value)
    if get_origin(value) is Literal:
        return _labels(get_args(value))
    raise InvalidRequest(f"output_type is {_told(value)}.")


def _told(value: Any) -> str:
    """Say what a value is that is no output type, and what to give."""
    if get_origin(value) is not None:
        return f"{value}; an answer is an object: give a pydantic class that has a field of this type"
    if isinstance(value, type):
        name = value.__name__
        return f"the class {name}; give a pydantic class, or pydantic.TypeAdapter({name}).json_schema()"
    if hasattr(value, "model_json_schema"):
        name = type(value).__name__
        return f"an instance of {name}; give the class, {name}"
    text = repr(value)
    text = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    return f"{text}; give a list or an Enum of labels, a JSON schema as a dict, or a pydantic class"


def _schema_of(model: Any) -> dict[str, Any]:
    try:
        return dict(model.model_json_schema())
    except (RuntimeError, TypeError, NameError) as error:  # pydantic's own errors are RuntimeErrors
        reason = str(error).partition("\n")[0]
        raise InvalidRequest(f"output_type {model.__name__} has no JSON schema: {reason}") from error


def _labels(values: Sequence[object]) -> list[str]:
    wrong = [value for value in values if not (isinstance(value, str) and value)]
    if wrong or not values:
        raise InvalidRequest(
            f"output_type holds {wrong[0]!r}; labels are non-empty strings{_as_text(wrong[0])}."
            if wrong
            else "output_type is an empty list; labels are non-empty strings."
        )
    labels = [str.__str__(value) for value in values if isinstance(value, str)]  # of a StrEnum the value
    twice = next((label for label, count in Counter(labels).items() if count > 1), None)
    if twice is not None:
        raise InvalidRequest(f"output_type names a label twice: {twice!r}.")
    _check_size(labels)
    return labels


def _as_text(value: object) -> str:
    return f", such as {str(value)!r}" if isinstance(value, (int, float)) else ""


def _check_size(labels: list[str]) -> None:
    """Keep the labels within what an enum of strict mode holds."""
    count, characters = len(labels), sum(map(len, labels))
    if count > MAX_ENUM_VALUES:
        raise InvalidRequest(
            f"output_type has {count:,} labels, and the API takes {MAX_ENUM_VALUES:,} at most; "
            "let one request choose a group, and another the label in it."
        )
    most = MAX_LARGE_ENUM_CHARACTERS if count > LARGE_ENUM else MAX_CHARACTERS - len("label")
    if characters > most:
        raise InvalidRequest(
            f"output_type has {count:,} labels of {characters:,} characters together, and the API takes "
            f"{most:,} at most; shorten them, for example to codes that the prompt explains."
        )


def _plain(value: Mapping[Any, Any]) -> dict[str, Any]:
    if value.get("type") == "json_schema":
        raise InvalidRequest(
            "output_type has the type 'json_schema', as a response_format has; give the schema that is in it."
        )
    if not is_wrapper(value):
        return {name: plain_json("output_type", str(name), part) for name, part in value.items()}
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
