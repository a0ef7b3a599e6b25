"""What OpenAI refuses in the schema of a structured output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.emulator.errors import ApiError, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
REFUSED = (
    "allOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else", "default",
    "oneOf", "patternProperties", "uniqueItems", "prefixItems", "contains",
)  # fmt: skip
MAX_PROPERTIES, MAX_DEPTH, MAX_ENUM, MAX_NAMES = 5_000, 10, 1_000, 120_000
PARAM = "response_format"


def check_response_format(asked: Any) -> dict[str, Any] | None:
    """The schema to fit, if one is asked for; an error of status 400 when the API would refuse it."""
    kind = asked.get("type") if isinstance(asked, dict) else None
    if kind not in {"text", "json_object", "json_schema"}:
        raise _refused(
            f"Invalid value: {kind!r}. Supported values are: 'text', 'json_object', and 'json_schema'.",
            f"{PARAM}.type",
        )
    if kind != "json_schema":
        return None
    wanted = asked.get("json_schema")
    if not isinstance(wanted, dict):
        raise missing(f"{PARAM}.json_schema")
    name, schema = wanted.get("name"), wanted.get("schema")
    if name is None:
        raise missing(f"{PARAM}.json_schema.name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise _refused(
            f"Invalid '{PARAM}.json_schema.name': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            f"{PARAM}.json_schema.name",
        )
    if not isinstance(schema, dict):
        raise missing(f"{PARAM}.json_schema.schema")
    if wanted.get("strict"):
        check_strict(name, schema)
    return schema


def check_strict(name: str, schema: dict[str, Any]) -> None:
    """Strict mode's rules for the whole schema."""
    if schema.get("type") != "object" or "anyOf" in schema:
        raise _bad_schema(
            name,
            (),
            f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'.",
        )
    properties = enums = characters = 0
    for path, part in _parts(schema):
        _check_part(name, path, part)
        names, values = part.get("properties") or {}, part.get("enum") or []
        properties += len(names)
        enums += len(values)
        characters += sum(map(len, names)) + sum(len(str(value)) for value in values)
        if sum(step == "properties" for step in path) >= MAX_DEPTH:
            raise _bad_schema(name, path, f"{MAX_DEPTH + 1} levels of nesting exceeds limit of {MAX_DEPTH}.")
    if properties > MAX_PROPERTIES or enums > MAX_ENUM or characters > MAX_NAMES:
        raise _bad_schema(
            name,
            (),
            f"it is too large: {properties} properties, {enums} enum values, {characters} characters.",
        )


def _check_part(name: str, path: tuple[str, ...], part: dict[str, Any]) -> None:
    for keyword in REFUSED:
        if keyword in part:
            raise _bad_schema(name, path, f"'{keyword}' is not permitted.")
    if "properties" not in part and part.get("type") != "object":
        return
    if part.get("additionalProperties") is not False:
        raise _bad_schema(name, path, "'additionalProperties' is required to be supplied and to be false.")
    absent = sorted(set(part.get("properties") or {}) - set(part.get("required") or ()))
    if absent:
        raise _bad_schema(
            name,
            path,
            "'required' is required to be supplied and to be an array including every key in properties. "
            f"Missing '{absent[0]}'.",
        )


def _parts(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    if not isinstance(schema, dict):
        return
    yield path, schema
    for keyword in ("properties", "$defs", "definitions"):
        for key, part in (schema.get(keyword) or {}).items():
            yield from _parts(part, (*path, keyword, key))
    yield from _parts(schema.get("items"), (*path, "items"))
    for at, part in enumerate(schema.get("anyOf") or ()):
        yield from _parts(part, (*path, "anyOf", str(at)))


def _refused(message: str, param: str) -> ApiError:
    return ApiError(400, message, param=param, code="invalid_value")


def _bad_schema(name: str, path: tuple[str, ...], why: str) -> ApiError:
    context = "(" + ", ".join(f"'{step}'" for step in path) + ")"
    message = f"Invalid schema for response_format '{name}': In context={context}, {why}"
    return ApiError(400, message, param=PARAM)
