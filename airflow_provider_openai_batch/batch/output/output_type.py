"""What a DAG file may give as `output_type`, made plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Literal, get_args, get_origin, is_typeddict

from airflow_provider_openai_batch.batch.arguments.plain_json import plain_json
from airflow_provider_openai_batch.batch.output.strict_rules import (
    LARGE_ENUM,
    MAX_CHARACTERS,
    MAX_ENUM_VALUES,
    MAX_LARGE_ENUM_CHARACTERS,
)
from airflow_provider_openai_batch.exceptions import InvalidRequest

MOST_SHOWN = 60
FIELD = "an answer is an object: give a pydantic class that has a field of this type"
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
            return _labels(list(value))
        case type() if hasattr(value, "model_json_schema"):
            return _schema_of(value)
    if get_origin(value) is Literal:
        return _labels(get_args(value))
    raise InvalidRequest(f"output_type is {_described(value)}.")


def _described(value: Any) -> str:
    """Say what a value is that is not an output type, and what to give."""
    if get_origin(value) is not None:
        return f"{value}; {FIELD}"
    if isinstance(value, type):
        return f"the class {value.__name__}; {_advice(value)}"
    if hasattr(value, "model_json_schema"):
        name = type(value).__name__
        return f"an instance of {name}; give the class, {name}"
    text = repr(value)
    text = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
    return f"{text}; give a list or an Enum of labels, a JSON schema as a dict, or a pydantic class"


def _advice(kind: type) -> str:
    if kind is str:
        return "leave output_type out for an answer of plain text"
    if is_dataclass(kind) or is_typeddict(kind):
        return f"give pydantic.TypeAdapter({kind.__name__}).json_schema(), or a pydantic class"
    return FIELD if kind.__module__ == "builtins" else "give a pydantic class"


def _schema_of(model: Any) -> dict[str, Any]:
    try:
        return dict(model.model_json_schema())
    except (RuntimeError, TypeError, NameError) as error:  # pydantic's own errors are RuntimeErrors
        reason = str(error).partition("\n")[0]
        raise InvalidRequest(f"output_type {model.__name__} has no JSON schema: {reason}") from error


def _labels(given: Sequence[object]) -> list[str]:
    values = [value.value if isinstance(value, Enum) else value for value in given]
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
        part = "['json_schema']['schema']" if "json_schema" in value else "['schema']"
        raise InvalidRequest(f"output_type is a whole response format; give its {part} alone.")
    if not is_wrapper(value):
        return {name: plain_json("output_type", str(name), part) for name, part in value.items()}
    unknown = [name for name in value if name not in WRAPPER]
    if unknown or "schema" not in value:
        raise InvalidRequest(
            f"output_type has the keys {sorted(map(str, value))}; give a JSON schema, "
            "or 'schema' and 'strict' alone."
        )
    if not isinstance(value.get("strict", True), bool):
        raise InvalidRequest(f"output_type['strict'] is {value['strict']!r}; give True or False.")
    return {**value, "schema": _schema_in(value["schema"])}


def _schema_in(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping) and not is_wrapper(value):
        return _plain(value)
    if isinstance(value, type) and hasattr(value, "model_json_schema"):
        return _schema_of(value)
    raise InvalidRequest("output_type['schema'] is not a JSON schema; give one, or a pydantic class.")


def is_wrapper(value: Mapping[Any, Any]) -> bool:
    """Return whether a dict is `{"schema": ..., "strict": ...}` and not a schema."""
    return bool(WRAPPER & value.keys()) and not SCHEMA_WORDS & value.keys()
