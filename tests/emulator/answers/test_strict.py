"""A strict schema is refused for each rule that the documentation of structured outputs names."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_openai_batch.emulator.answers.strict import BadSchema, check_strict


def of(**properties: Any) -> dict[str, Any]:
    """A strict object of these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def nested(levels: int) -> dict[str, Any]:
    """Objects within objects."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = of(a=schema)
    return schema


TEXT = {"type": "string"}
REFUSED = [
    *(
        ({"a": {**TEXT, keyword: []}}, f"'{keyword}' is not permitted", "('properties', 'a')")
        for keyword in (
            "allOf",
            "not",
            "dependentRequired",
            "dependentSchemas",
            "if",
            "then",
            "else",
            "default",
            "oneOf",
            "patternProperties",
            "propertyNames",
            "minProperties",
            "maxProperties",
            "unevaluatedProperties",
            "unevaluatedItems",
            "uniqueItems",
            "prefixItems",
            "contains",
            "minContains",
            "maxContains",
        )
    ),
    ({"a": {}}, "must have a 'type' key", "('properties', 'a')"),
    ({"a": {"type": "text"}}, "'text' is not valid", "('properties', 'a')"),
    ({"a": {"type": {}}}, "is not valid", "('properties', 'a')"),
    ({"a": True}, "must be an object", "('properties', 'a')"),
    ({"a": {"type": "array"}}, "array schema missing items", "('properties', 'a')"),
    ({"a": {"type": "array", "items": {}}}, "must have a 'type' key", "('properties', 'a', 'items')"),
    ({"a": {**TEXT, "format": "uri"}}, "'uri' is not a valid format", "('properties', 'a')"),
    ({"a": {"enum": []}}, "'enum' must be an array", "('properties', 'a')"),
    ({"a": {"anyOf": []}}, "'anyOf' must be an array", "('properties', 'a')"),
    ({"a": {"anyOf": [TEXT, {}]}}, "must have a 'type' key", "('properties', 'a', 'anyOf', '1')"),
    ({"a": {"type": "object"}}, "'additionalProperties' is required", "('properties', 'a')"),
    ({"a": of() | {"additionalProperties": TEXT}}, "'additionalProperties' is", "('properties', 'a')"),
    ({"a": of(b=TEXT) | {"required": []}}, "Missing 'b'", "('properties', 'a')"),
    ({"a": of(b=TEXT) | {"required": "b"}}, "'required' is required", "('properties', 'a')"),
    ({"a": of() | {"required": ["b"]}}, "Extra required key 'b'", "('properties', 'a')"),
    ({"a": of() | {"properties": []}}, "'properties' must be an object", "('properties', 'a')"),
    ({"a": {"type": ["object", "null"]}}, "'additionalProperties' is required", "('properties', 'a')"),
    ({"a": {"$ref": "#/$defs/b"}}, "'#/$defs/b' which was not found", "('properties', 'a')"),
    ({"a": {"$ref": "https://x/y"}}, "'https://x/y' which was not found", "('properties', 'a')"),
    ({"a": nested(10)}, "11 levels of nesting exceeds limit of 10", None),
    ({f"p{at}": TEXT for at in range(5_001)}, "5001 object properties exceeds limit of 5000", "()"),
    ({"a": {"enum": list(range(1_001))}}, "1001 enum values exceeds limit of 1000", "()"),
    ({"n" * 60_001: TEXT, "m" * 60_000: TEXT}, "120001 characters of names and values", "()"),
    ({"a": {"const": "c" * 120_000}}, "120001 characters of names and values", "()"),
    ({"a": {"enum": [f"{at:060}" for at in range(251)]}}, "251 values has 15060", "('properties', 'a')"),
]


@pytest.mark.parametrize(("properties", "why", "path"), REFUSED)
def test_refused_schemas(properties, why, path):
    """Each rule that is broken is named, with the path to where."""
    with pytest.raises(BadSchema) as caught:
        check_strict(of(**properties), fine_tuned=False)

    assert why in str(caught.value)
    assert path is None or f"In context={path}," in str(caught.value)


ROOTS = [
    {"type": "array", "items": TEXT},
    {"anyOf": [of()]},
    of() | {"anyOf": [of()]},
    {"$ref": "#/$defs/a", "$defs": {"a": of()}},
    {"properties": {}},
    {"type": ["object", "null"]},
]


@pytest.mark.parametrize("schema", ROOTS)
def test_refused_roots(schema):
    """The root is an object and no alternative."""
    with pytest.raises(
        BadSchema, match=r"In context=\(\), schema must be a JSON Schema of 'type: \"object\"'"
    ):
        check_strict(schema, fine_tuned=False)


TAKEN = [
    of(),
    of(a={"type": ["string", "null"]}, b={"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    of(a={"enum": ["x", "y"]}, b={"const": "z"}, c={"type": "string", "enum": ["x"]}),
    of(a={"type": "array", "items": of(b=TEXT), "minItems": 1, "maxItems": 9}),
    of(a={"type": "number", "minimum": 0, "exclusiveMaximum": 5, "multipleOf": 0.5}),
    of(a={**TEXT, "pattern": "^x$", "description": "An x.", "title": "X"}),
    *(
        of(a={**TEXT, "format": name})
        for name in (
            "date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid",
        )
    ),
    of(a={"$ref": "#/$defs/b"}) | {"$defs": {"b": of(c={"$ref": "#"})}},
    of(a={"$ref": "#/$defs/x~1y"}) | {"$defs": {"x/y": TEXT}},
    nested(10),
    of(**{f"p{at}": TEXT for at in range(5_000)}),
    of(a={"enum": [f"{at:059}" for at in range(251)]}),
    of(a={"enum": list(range(1_000))}),
]  # fmt: skip


@pytest.mark.parametrize("schema", TAKEN)
def test_schemas_that_are_taken(schema):
    """What the documentation allows passes, up to each limit."""
    check_strict(schema, fine_tuned=False)


@pytest.mark.parametrize("keyword", ["pattern", "format", "minLength", "minimum", "multipleOf", "maxItems"])
def test_fine_tuned_models_know_less(keyword):
    """They refuse constraints that the others take."""
    schema = of(a={**TEXT, keyword: "date" if keyword == "format" else 1})

    check_strict(schema, fine_tuned=False)
    with pytest.raises(BadSchema, match=f"'{keyword}' is not permitted"):
        check_strict(schema, fine_tuned=True)


def test_nesting_without_end():
    """Depth is the sender's and costs no stack."""
    schema: dict[str, Any] = TEXT
    for _ in range(5_000):
        schema = {"type": "array", "items": schema}

    check_strict(of(a=schema), fine_tuned=False)
