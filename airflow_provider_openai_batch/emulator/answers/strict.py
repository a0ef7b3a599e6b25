"""What OpenAI refuses in the schema of a structured output in strict mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
REFUSED = (
    "allOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else", "default", "oneOf",
    "patternProperties", "propertyNames", "minProperties", "maxProperties", "unevaluatedProperties",
    "unevaluatedItems", "uniqueItems", "prefixItems", "contains", "minContains", "maxContains",
)  # fmt: skip
#: What fine-tuned models do not know either.
CONSTRAINTS = (
    "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minItems", "maxItems",
)  # fmt: skip
UNTYPED = ("$ref", "anyOf", "enum", "const")
MAX_PROPERTIES, MAX_DEPTH, MAX_ENUM, MAX_NAMES = 5_000, 10, 1_000, 120_000
LARGE_ENUM, MAX_LARGE_ENUM = 250, 15_000


class BadSchema(Exception):
    """A schema that is refused, and where in it."""

    def __init__(self, path: tuple[str, ...], why: str) -> None:
        context = "(" + ", ".join(f"'{step}'" for step in path) + ")"
        super().__init__(f"In context={context}, {why}")


@dataclass(frozen=True, slots=True)
class Part:
    """A schema within the schema, and how many objects it is in."""

    path: tuple[str, ...]
    schema: Any
    level: int = 0


def check_strict(schema: dict[str, Any], *, fine_tuned: bool) -> None:
    """Strict mode's rules for the whole schema."""
    if schema.get("type") != "object" or "anyOf" in schema:
        kind = schema.get("type")
        raise BadSchema((), f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'.")
    refused = REFUSED + CONSTRAINTS if fine_tuned else REFUSED
    parts = []
    for part in _parts(schema):
        if why := _fault(part.schema, refused) or _lost(part.schema.get("$ref"), schema):
            raise BadSchema(part.path, why)
        parts.append(part.schema)
    _check_size(parts)


def _parts(schema: dict[str, Any]) -> Iterator[Part]:
    """All schemas within, from the first to the last; not by recursion, since nesting is the sender's."""
    waiting = [Part((), schema)]
    while waiting:
        part = waiting.pop()
        if not isinstance(part.schema, dict):
            raise BadSchema(part.path, "schema must be an object.")
        level = part.level + _is(part.schema, "object")
        if level > MAX_DEPTH:
            raise BadSchema(part.path, f"{level} levels of nesting exceeds limit of {MAX_DEPTH}.")
        inner = [Part((*part.path, *path), one, level) for path, one in _inner(part)]
        yield part
        waiting += reversed(inner)


def _inner(part: Part) -> Iterator[tuple[tuple[str, ...], Any]]:
    for keyword in ("properties", "$defs", "definitions"):
        named = part.schema.get(keyword, {})
        if not isinstance(named, dict):
            raise BadSchema(part.path, f"'{keyword}' must be an object.")
        yield from (((keyword, name), one) for name, one in named.items())
    if "items" in part.schema:
        yield ("items",), part.schema["items"]
    options = part.schema.get("anyOf", [None])
    if not isinstance(options, list) or not options:
        raise BadSchema(part.path, "'anyOf' must be an array of at least one schema.")
    if "anyOf" in part.schema:
        yield from ((("anyOf", str(at)), one) for at, one in enumerate(options))


def _kinds(schema: dict[str, Any]) -> list[Any]:
    kinds = schema.get("type", [])
    return kinds if isinstance(kinds, list) else [kinds]


def _is(schema: dict[str, Any], kind: str) -> bool:
    return kind in _kinds(schema)


def _fault(schema: dict[str, Any], refused: tuple[str, ...]) -> str | None:
    """What is wrong with one schema, apart from those within."""
    for keyword in refused:
        if keyword in schema:
            return f"'{keyword}' is not permitted."
    kinds = _kinds(schema)
    if not kinds and not any(keyword in schema for keyword in UNTYPED):
        return "schema must have a 'type' key."
    if wrong := [kind for kind in kinds if str(kind) not in TYPES]:
        return f"'{wrong[0]}' is not valid under any of the given schemas."
    if "array" in kinds and "items" not in schema:
        return "array schema missing items."
    if "format" in schema and str(schema["format"]) not in FORMATS:
        return f"'{schema['format']}' is not a valid format."
    return _enum_fault(schema) or _object_fault(schema)


def _enum_fault(schema: dict[str, Any]) -> str | None:
    values = schema.get("enum", [None])
    if not isinstance(values, list) or not values:
        return "'enum' must be an array of at least one value."
    size = sum(len(value) for value in values if isinstance(value, str))
    if len(values) > LARGE_ENUM and size > MAX_LARGE_ENUM:
        return (
            f"an enum of {len(values)} values has {size} characters; "
            f"one of more than {LARGE_ENUM} values has at most {MAX_LARGE_ENUM}."
        )
    return None


def _object_fault(schema: dict[str, Any]) -> str | None:
    if not _is(schema, "object"):
        return None
    if schema.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    names, required = schema.get("properties", {}), schema.get("required", [])
    rule = "'required' is required to be supplied and to be an array including every key in properties."
    if not isinstance(required, list) or (names and "required" not in schema):
        return rule
    listed = {str(name): None for name in required}
    if absent := [name for name in names if name not in listed]:
        return f"{rule} Missing '{absent[0]}'."
    if extra := [name for name in listed if name not in names]:
        return f"{rule} Extra required key '{extra[0]}' supplied."
    return None


def _lost(reference: Any, root: dict[str, Any]) -> str | None:
    """What is wrong with a reference."""
    if reference is None:
        return None
    found: Any = root
    steps = str(reference).split("/")
    for step in steps[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, dict) else None
    if steps[0] == "#" and isinstance(found, dict):
        return None
    return f"reference to component '{reference}' which was not found in the schema."


def _check_size(parts: list[dict[str, Any]]) -> None:
    names = [name for part in parts for name in part.get("properties", {})]
    defined = [name for part in parts for key in ("$defs", "definitions") for name in part.get(key, {})]
    enums = [value for part in parts for value in part.get("enum", [])]
    constants = [part["const"] for part in parts if "const" in part]
    characters = sum(len(str(one)) for one in (*names, *defined, *enums, *constants))
    for what, size, most in (
        ("object properties", len(names), MAX_PROPERTIES),
        ("enum values", len(enums), MAX_ENUM),
        ("characters of names and values", characters, MAX_NAMES),
    ):
        if size > most:
            raise BadSchema((), f"{size} {what} exceeds limit of {most}.")
