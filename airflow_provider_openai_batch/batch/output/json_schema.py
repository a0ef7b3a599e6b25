"""Whether a dict is a JSON schema at all, and in a user's words why it is not."""

from __future__ import annotations

from functools import reduce
from operator import getitem
from typing import TYPE_CHECKING, Any, cast

import jsonschema_rs

from airflow_provider_openai_batch.batch.output.strict_rules import TYPES
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.output.strict_build import Schema

#: Say what the root of a schema is.
ROOTS = frozenset({"type", "$ref", "anyOf", "oneOf", "allOf"})
#: What people write for the types of JSON schema.
TYPE_NAMES = {
    "str": "string", "text": "string", "int": "integer", "float": "number", "bool": "boolean",
    "list": "array", "dict": "object", "none": "null",
}  # fmt: skip
#: A message quotes what is wrong, which may be a large part of a schema.
MOST = 200
#: Without it, a `$schema` would be fetched from wherever it points to.
OFFLINE = jsonschema_rs.Registry([])


def require_schema(given: Schema) -> None:
    """Refuse what is not a JSON schema, with the place of what is wrong."""
    if "properties" in given and not ROOTS & given.keys():
        raise InvalidRequest('output_type has "properties" and no type; add "type": "object" to it.')
    try:
        jsonschema_rs.meta.validate(given, registry=OFFLINE)
    except jsonschema_rs.ReferencingError as error:
        raise InvalidRequest(
            f"output_type has the $schema {given['$schema']!r}, which is not a known draft; leave it out."
        ) from error
    except (ValueError, TypeError, OverflowError) as error:
        raise _refusal(error, given) from error


def validator_of(schema: Schema) -> Any:
    """Make what checks answers; nothing outside of the schema is fetched."""
    try:
        return jsonschema_rs.validator_for(schema, retriever=_refuse)
    except (ValueError, TypeError) as error:
        raise _refusal(error, schema) from error


def _refusal(error: Exception, schema: Schema) -> InvalidRequest:
    steps, wrong = getattr(error, "instance_path", ()), getattr(error, "instance", None)
    path = [str(step) for step in steps]
    at = f" at {'.'.join(path)!r}" if path else ""
    # Some versions give the place of what is around the wrong value.
    own_words = _own_words(path, wrong) if reduce(getitem, steps, cast("Any", schema)) == wrong else None
    reason = own_words or str(error).partition("\n")[0]
    if len(reason) > MOST:
        reason = f"{reason[: MOST // 2]} … {reason[-MOST // 2 :]}"
    return InvalidRequest(f"output_type is not a valid JSON schema{at}: {reason}.")


def _own_words(path: list[str], given: object) -> str | None:
    """Say what to write in place of what is often written; None for what the validator says well itself."""
    match path:
        case [*_, "properties", str()] | [*_, "items"] if isinstance(given, str):
            meant = _meant(given)
            return f'{given!r} is not a schema; write {{"type": "{meant if meant in TYPES else "string"}"}}'
        case [*_, "properties", str(), "required"] if isinstance(given, bool):
            return f'{given} is not a list; list the required properties beside "properties"'
        case [*_, "items"] if isinstance(given, list):
            return "it is a list; give the one schema that each item has"
        case [*_, "type"]:
            kinds = given if isinstance(given, list) else [given]
            wrong = next((kind for kind in kinds if isinstance(kind, str) and kind not in TYPES), None)
            return None if wrong is None else f"{wrong!r} is not a type; {_type_advice(wrong)}"
    return None


def _type_advice(given: str) -> str:
    meant = _meant(given)
    return f"write {meant!r}" if meant in TYPES else f"types are {', '.join(sorted(TYPES))}"


def _meant(given: str) -> str:
    return TYPE_NAMES.get(given.lower(), given.lower())


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is outside of the schema")
