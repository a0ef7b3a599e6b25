"""The strict form of a schema."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from airflow_provider_openai_batch.batch.strict import lint, resolve, to_strict
from airflow_provider_openai_batch.exceptions import InvalidRequest

STRING = {"type": "string"}


def object_of(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def nested(levels: int) -> dict[str, Any]:
    return object_of(a=STRING if levels == 1 else nested(levels - 1))


def test_an_object_is_closed_and_all_of_it_required() -> None:
    """Strict mode wants every property and no other, at every depth; annotations go."""
    given = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "T",
        "type": "object",
        "properties": {
            "a": STRING,
            "list": {"type": "array", "items": {"type": "object", "properties": {"b": STRING}}},
        },
        "required": ["a", "list"],
    }

    strict = to_strict(given)

    inner = object_of(b={"type": ["string", "null"]})
    assert strict == object_of(a=STRING, list={"type": "array", "items": inner})
    assert given["title"] == "T"


@pytest.mark.parametrize(
    ("given", "strict"),
    [
        (STRING, {"type": ["string", "null"]}),
        ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": ["string", "integer"]}, {"type": "null"}]}),
        ({"type": "null"}, {"type": "null"}),
        ({"type": "string", "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        (
            {"enum": ["a"], "description": "d"},
            {"description": "d", "anyOf": [{"enum": ["a"]}, {"type": "null"}]},
        ),
        ({"type": "string", "const": "a"}, {"anyOf": [{"type": "string", "const": "a"}, {"type": "null"}]}),
        (
            {"anyOf": [STRING, {"type": "integer"}]},
            {"anyOf": [STRING, {"type": "integer"}, {"type": "null"}]},
        ),
        ({"anyOf": [STRING, {"type": "null"}]}, {"anyOf": [STRING, {"type": "null"}]}),
        ({"type": "string", "default": "x"}, STRING),
        ({"type": "string", "default": None}, {"type": ["string", "null"]}),
    ],
)
def test_an_optional_property_may_be_null(given: dict[str, Any], strict: dict[str, Any]) -> None:
    """The model has no other way to leave a property out; one with a default is answered instead."""
    built = to_strict({"type": "object", "properties": {"x": given}})

    assert built == object_of(x=strict)


def test_references_are_kept_or_copied_in() -> None:
    """A reference stands alone; one with a description beside it is written out, a recursive one loses it."""
    node = {
        "type": "object",
        "properties": {
            "next": {"anyOf": [{"$ref": "#/definitions/Node", "description": "n"}, {"type": "null"}]}
        },
    }
    given = {
        "type": "object",
        "properties": {
            "a": {"$ref": "#/definitions/Word"},
            "b": {"$ref": "#/definitions/Word", "description": "d"},
            "c": {"$ref": "#/definitions/Node"},
        },
        "required": ["a", "b", "c"],
        "definitions": {"Word": STRING, "Node": node | {"required": ["next"]}},
    }

    strict = to_strict(given)

    assert strict["properties"]["a"] == {"$ref": "#/$defs/Word"}
    assert strict["properties"]["b"] == {"type": "string", "description": "d"}
    copied = strict["$defs"]["Node"]["properties"]["next"]["anyOf"][0]
    assert copied["description"] == "n"
    assert copied["properties"]["next"]["anyOf"][0] == {"$ref": "#/$defs/Node"}
    assert lint(strict) == []


def test_pydantic_classes_fit() -> None:
    """Nested, optional, defaulted, recursive, and discriminated models become strict schemas."""

    class Mood(StrEnum):
        GOOD = "good"
        BAD = "bad"

    class Cat(BaseModel):
        kind: Literal["cat"]
        lives: int = Field(9, ge=1, le=9)

    class Dog(BaseModel):
        kind: Literal["dog"]

    class Person(BaseModel):
        """A person."""

        name: str = Field(description="full name")
        mood: Mood = Field(Mood.GOOD, description="now")
        pet: Cat | Dog = Field(discriminator="kind")
        friends: list[Person] = []
        best: Person | None = None

    strict = to_strict(Person.model_json_schema())

    assert lint(strict) == []
    assert strict["required"] == ["name", "mood", "pet", "friends", "best"]
    assert strict["properties"]["pet"] == {"anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]}
    assert strict["properties"]["mood"] == {"enum": ["good", "bad"], "type": "string", "description": "now"}


def test_all_of_one_is_that_one() -> None:
    """Older generators wrap a single reference into `allOf`."""
    strict = to_strict(
        object_of(a={"allOf": [{"$ref": "#/$defs/W"}], "description": "d"}) | {"$defs": {"W": STRING}}
    )

    assert strict["properties"]["a"] == {"type": "string", "description": "d"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"anyOf": [object_of(a=STRING)]}, "the root is an anyOf"),
        ({"type": "array", "items": STRING}, "the root is of type 'array'"),
        ({"$ref": "#/$defs/Nope"}, "the root is of type None"),
        (object_of(a={"type": "string", "minLength": 1}), "'properties.a.minLength' is not supported"),
        (
            object_of(a={"type": "array", "items": {"type": "string", "maxLength": 1}}),
            "'properties.a.items.maxLength'",
        ),
        (object_of(a={"anyOf": [STRING, {"not": STRING}]}), "'properties.a.anyOf.1.not' is not supported"),
        (object_of(a={"allOf": [STRING, STRING]}), "'properties.a.allOf' is not supported"),
        (object_of(a={"oneOf": [STRING], "anyOf": [STRING]}), "'properties.a.oneOf' is not supported"),
        (object_of(a={}), "'properties.a' has no type"),
        (object_of(a=True), "'properties.a' is not a schema"),
        (object_of(a={"type": "text"}), "'properties.a.type' is 'text'"),
        (object_of(a={"type": "string", "format": "uri"}), "'properties.a.format' is 'uri'"),
        (
            object_of(a={"$ref": "#/$defs/X"}),
            "'properties.a.$ref' is '#/$defs/X', which is not in the schema",
        ),
        (object_of(a={"$ref": "http://x/y"}), "'properties.a.$ref' is 'http://x/y'"),
        (object_of(a={"$ref": 3}), "'properties.a.$ref' is 3"),
        (
            object_of(a={"$ref": "#", "minimum": 3, "description": "d"}),
            "'properties.a.properties.a.$ref' stands beside",
        ),
        (
            object_of(a={"type": "object", "additionalProperties": True}),
            "'properties.a.additionalProperties' is not false",
        ),
        (object_of(a={"type": "object"}), "'properties.a.properties' is empty"),
        (object_of(a={"type": "object", "properties": 3}), "'properties.a.properties' is empty"),
        (object_of(a={"type": "string", "enum": []}), "'properties.a.enum' is not a list of values"),
        (nested(11), "is nested deeper than 10 levels"),
        (
            object_of(a={"enum": ["x" * 61 + str(n) for n in range(251)]}),
            "'properties.a.enum' has 251 values of",
        ),
        (
            object_of(**{f"p{n}": {"type": "integer", "enum": list(range(201))} for n in range(5)}),
            "the schema has 1,005 enum values",
        ),
        (object_of(**{f"p{n}": STRING for n in range(5_001)}), "the schema has 5,001 properties"),
        (object_of(a={"const": "x" * 120_001}), "the schema has 120,002 characters"),
    ],
)
def test_what_the_api_refuses_is_named_with_its_path(given: dict[str, Any], told: str) -> None:
    """A bad schema would fail every line of a paid file; here it fails before anything is sent."""
    with pytest.raises(InvalidRequest) as caught:
        to_strict(given)

    assert told in str(caught.value)
    assert '{"schema": ..., "strict": False}' in str(caught.value)


def test_lint_names_what_is_not_required() -> None:
    """A schema that was not built here is checked as well."""
    assert lint({"type": "object", "properties": {"a": STRING}, "additionalProperties": False}) == [
        "'required' lacks a"
    ]


def test_deep_enough_is_fine() -> None:
    """Ten levels are allowed."""
    assert lint(nested(10)) == []


def test_references_are_found_by_their_escaped_path() -> None:
    """A name may hold a slash or a tilde."""
    assert resolve({"$defs": {"a/b~c": STRING}}, "#/$defs/a~1b~0c") == STRING
    assert resolve({"$defs": 3}, "#/$defs/a") is None
    assert resolve({}, "elsewhere") is None
    assert to_strict({"$ref": "#/$defs/R", "$defs": {"R": object_of(a=STRING)}})["required"] == ["a"]
    assert lint({"$ref": "#/$defs/R"}) == ["the root is of type None, not an object"]
