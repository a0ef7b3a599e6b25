"""OpenLineage's specification as JSON schemas, and what events say against it.

The specification is not copied: OpenLineage generates the classes of its client from it, one for each object,
and each knows the address of its schema.
"""

from __future__ import annotations

import pkgutil
import re
import types
from datetime import datetime
from enum import Enum
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import attr
from jsonschema import Draft202012Validator, FormatChecker

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}
#: The classes have defaults for these, and the specification demands them.
DEMANDED = {"producer", "schemaURL", "_producer", "_schemaURL"}
FORMATS = {"runId": "uuid", "eventTime": "date-time", "nominalStartTime": "date-time"} | dict.fromkeys(
    DEMANDED, "uri"
)
CHECKER = FormatChecker()


@CHECKER.checks("uri")
def is_uri(value: object) -> bool:
    """Tell whether it begins with a scheme."""
    return isinstance(value, str) and re.match(r"[a-z][a-z0-9+.-]*:\S+$", value) is not None


@CHECKER.checks("date-time", raises=ValueError)
def is_moment(value: object) -> bool:
    """Tell whether it is a time of a zone."""
    return datetime.fromisoformat(str(value)).tzinfo is not None


def complaints(event: dict[str, Any]) -> list[str]:
    """Return what an event, and each facet in it, does against the schema that it names."""
    return [f"{where}: {error.message}" for where, part, key in parts(event, "")
            for error in validator(part[key]).iter_errors(part)]  # fmt: skip


def parts(value: Any, where: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield all objects that name their schema, with where they are and the key that names it."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key in {"schemaURL", "_schemaURL"} & set(value):
            yield where, value, key
        for name, inner in value.items():
            yield from parts(inner, f"{where}/{name}")


@cache
def validator(address: str) -> Draft202012Validator:
    """Return what checks an object that names this address; KeyError if the specification has none such."""
    return Draft202012Validator(schema_of(classes()[address]), format_checker=CHECKER)


@cache
def classes() -> dict[str, type]:
    """Return the classes of OpenLineage's client by the address of their schema."""
    from openlineage.client import generated  # noqa: PLC0415

    modules = [
        import_module(f"{generated.__name__}.{one.name}") for one in pkgutil.iter_modules(generated.__path__)
    ]
    found = [one for module in modules for one in vars(module).values() if hasattr(one, "_get_schema")]
    return {one._get_schema(): one for one in found}


def schema_of(kind: Any) -> dict[str, Any]:
    """Return a type of the client as a schema; nothing in an event is null, so that None is no value."""
    if get_origin(kind) in {Union, types.UnionType}:
        choices = [schema_of(one) for one in get_args(kind) if one is not type(None)]
        return choices[0] if len(choices) == 1 else {"anyOf": choices}
    if get_origin(kind) is list:
        return {"type": "array", "items": schema_of(get_args(kind)[0])}
    if get_origin(kind) is dict:
        return {"type": "object", "additionalProperties": schema_of(get_args(kind)[1])}
    if attr.has(kind):
        return schema_of_class(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [one.value for one in kind]}
    return {"type": PLAIN[kind]} if kind in PLAIN else {}


def schema_of_class(kind: Any) -> dict[str, Any]:
    """Return a class as an object with what it demands; more is allowed, as the specification does."""
    hints, fields = get_type_hints(kind), attr.fields(kind)
    demanded = [one.name for one in fields if one.default is attr.NOTHING or one.name in DEMANDED]
    formats = {one.name: {"format": FORMATS[one.name]} for one in fields if one.name in FORMATS}
    return {
        "type": "object",
        "required": demanded,
        "properties": {one.name: schema_of(hints[one.name]) | formats.get(one.name, {}) for one in fields},
    }
