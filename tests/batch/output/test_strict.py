"""The strict form of a schema."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.output.strict import to_strict
from airflow_provider_openai_batch.batch.output.strict_build import resolve
from airflow_provider_openai_batch.batch.output.strict_rules import lint
from airflow_provider_openai_batch.emulator.answers.strict import BadSchema, check_strict
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

    strict = to_strict(given).sent

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
        (
            {"oneOf": [STRING, {"type": "integer"}], "description": "d"},
            {"description": "d", "anyOf": [STRING, {"type": "integer"}, {"type": "null"}]},
        ),
        ({"type": "string", "default": "x"}, STRING),
        ({"type": "string", "default": None}, {"type": ["string", "null"]}),
    ],
)
def test_an_optional_property_may_be_null(given: dict[str, Any], strict: dict[str, Any]) -> None:
    """The model has no other way to leave a property out; one with a default is answered instead."""
    built = to_strict({"type": "object", "properties": {"x": given}}).sent

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

    strict = to_strict(given).sent

    assert strict["properties"]["a"] == {"$ref": "#/$defs/Word"}
    assert strict["properties"]["b"] == {"type": "string", "description": "d"}
    copied = strict["$defs"]["Node"]["properties"]["next"]["anyOf"][0]
    assert copied["description"] == "n"
    assert copied["properties"]["next"]["anyOf"][0] == {"$ref": "#/$defs/Node"}
    assert lint(strict) == []


def test_all_of_one_is_that_one() -> None:
    """Older generators wrap a single reference into `allOf`."""
    strict = to_strict(
        object_of(a={"allOf": [{"$ref": "#/$defs/W"}], "description": "d"}) | {"$defs": {"W": STRING}}
    ).sent

    assert strict["properties"]["a"] == {"type": "string", "description": "d"}


def array(**keywords: Any) -> dict[str, Any]:
    return {"type": "array", "items": STRING} | keywords


def tuple_of(*items: Any) -> dict[str, Any]:
    return {"type": "array", "prefixItems": list(items)}


def enum(count: int, length: int) -> dict[str, Any]:
    """Make an enum of so many texts of so many characters each."""
    return {"type": "string", "enum": [f"{n:0{length}}" for n in range(count)]}


def many(count: int, node: dict[str, Any]) -> dict[str, Any]:
    return object_of(**{f"p{n:04}": node for n in range(count)})


def optional(node: dict[str, Any]) -> dict[str, Any]:
    return object_of(a=node) | {"required": []}


def tree(depth: int) -> dict[str, Any]:
    """Make a schema with so many levels, of which every second is a list."""
    node: dict[str, Any] = STRING
    for level in range(depth - 1):
        node = array(items=node) if level % 2 else object_of(a=node)
    return object_of(a=node)


REF = {"$ref": "#/$defs/D"}
EITHER = {"anyOf": [STRING, {"type": "integer"}, {"not": STRING}]}
DEFINED = {"$defs": {"D": object_of(b=STRING)}}

#: Each rule of strict mode: a schema that breaks it, what is told of it, and the nearest that is fine.
RULES: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    # the root
    ({"anyOf": [object_of(a=STRING)]}, "the root is an anyOf", object_of(a={"anyOf": [STRING]})),
    (object_of(a=STRING) | {"anyOf": [object_of(a=STRING)]}, "the root is an anyOf", object_of(a=STRING)),
    (array(), "the root is of type 'array'", object_of(a=array())),
    (STRING, "the root is of type 'string'", object_of(a=STRING)),
    (
        object_of(a=STRING) | {"type": ["object", "null"]},
        "the root is of type ['object', 'null']",
        object_of(a={**object_of(b=STRING), "type": ["object", "null"]}),
    ),
    ({"$ref": "#/$defs/D"} | DEFINED, "the root has no type", object_of(a=REF) | DEFINED),
    # every object is closed, and all of its properties are required
    (
        {"type": "object", "properties": {"a": STRING}, "required": ["a"]},
        "'additionalProperties' is not false",
        object_of(a=STRING),
    ),
    (
        object_of(a={"type": "object", "additionalProperties": {"type": "integer"}}),
        "'properties.a.additionalProperties' is not false; in place of fields that the model names (a dict)",
        object_of(a=array(items=object_of(name=STRING, value={"type": "integer"}))),
    ),
    (
        object_of(a=array(items=object_of(b=STRING) | {"additionalProperties": True})),
        "'properties.a.items.additionalProperties' is not false",
        object_of(a=array(items=object_of(b=STRING))),
    ),
    (
        object_of(a=REF) | {"$defs": {"D": {"type": "object", "properties": {}, "required": []}}},
        "'$defs.D.additionalProperties' is not false",
        object_of(a=REF) | DEFINED,
    ),
    (object_of(a=STRING) | {"required": []}, "'required' lacks a", object_of(a=STRING)),
    (
        object_of(a={"anyOf": [STRING, object_of(b=STRING, c=STRING) | {"required": ["b"]}]}),
        "'properties.a.anyOf.1.required' lacks c",
        object_of(a={"anyOf": [STRING, object_of(b=STRING, c=STRING)]}),
    ),
    (
        object_of(a={"type": "object", "additionalProperties": False}),
        "'properties.a.properties' is empty",
        object_of(a=object_of(b=STRING)),
    ),
    # types
    (object_of(a={}), "'properties.a' has no type", object_of(a={"enum": ["b"]})),
    (object_of(a={"type": "text"}), "'properties.a.type' is 'text'", object_of(a={"type": "number"})),
    (object_of(a={"type": []}), "'properties.a.type' is []", object_of(a={"type": ["integer", "null"]})),
    (
        object_of(a={"type": ["string", "any"]}),
        "'properties.a.type' is 'any'",
        object_of(a={"type": "boolean"}),
    ),
    (object_of(a=True), "'properties.a' is not a schema", object_of(a={"const": True})),
    (object_of(a={"type": "array"}), "'properties.a.items' is missing", object_of(a=array())),
    (object_of(a=array(items={})), "'properties.a.items' has no type", object_of(a=array(items=STRING))),
    (
        object_of(a={"type": "string", "enum": []}),
        "'properties.a.enum' is empty; list the values",
        object_of(a=enum(1, 1)),
    ),
    (
        object_of(a={"type": "string", "enum": "b"}),
        "'properties.a.enum' is 'b'; list the values",
        object_of(a={"const": 1}),
    ),
    (
        object_of(a={"anyOf": []}),
        "'properties.a.anyOf' is not a list of schemas",
        object_of(a={"anyOf": [STRING]}),
    ),
    # references
    (
        object_of(a=REF),
        "'properties.a.$ref' is '#/$defs/D', which is not in the schema",
        object_of(a=REF) | DEFINED,
    ),
    (object_of(a={"$ref": "http://x/y"}), "'properties.a.$ref' is 'http://x/y'", object_of(a={"$ref": "#"})),
    (
        object_of(a=REF | {"description": "d"}) | DEFINED,
        "'properties.a.$ref' cannot be combined with other keywords",
        object_of(a={"anyOf": [REF, {"type": "null"}]}) | DEFINED,
    ),
    # strings, numbers, arrays
    (
        object_of(a={"type": "string", "minLength": 1}),
        "'properties.a.minLength' is not supported",
        object_of(a={"type": "string", "pattern": "^.+$"}),
    ),
    (
        object_of(a=array(items={"type": "string", "maxLength": 1})),
        "'properties.a.items.maxLength' is not supported",
        object_of(a=array(items={"type": "string", "pattern": "^.{0,1}$"})),
    ),
    (
        object_of(a={"type": "string", "pattern": r"^(?!no)\w+$"}),
        "'properties.a.pattern' uses a lookaround",
        object_of(a={"type": "string", "pattern": r"^(?:no)\w+ \(?=[(?!]$"}),
    ),
    *(
        (
            object_of(a={"type": "string", "format": unknown}),
            f"'properties.a.format' is {unknown!r}, not one of date,",
            object_of(a={"type": "string", "format": known}),
        )
        for unknown, known in [
            ("uri", "date-time"), ("uuid4", "uuid"), ("binary", "time"), ("regex", "date"),
            ("password", "duration"), ("idn-email", "email"), ("idn-hostname", "hostname"),
            ("ipvanyaddress", "ipv4"), ("ipv6network", "ipv6"),
        ]
    ),
    *(
        (
            object_of(a={"type": "number", unknown: 1}),
            f"'properties.a.{unknown}' is not supported",
            object_of(a={"type": "number", known: 1}),
        )
        for unknown, known in [
            ("divisibleBy", "multipleOf"), ("max", "maximum"), ("min", "minimum"),
            ("exclusiveMax", "exclusiveMaximum"), ("exclusiveMin", "exclusiveMinimum"),
        ]
    ),
    *(
        (
            object_of(a=array(**{unknown: value})),
            f"'properties.a.{unknown}' is not supported",
            object_of(a=array(**{known: 1})),
        )
        for unknown, value, known in [
            ("uniqueItems", True, "minItems"), ("contains", STRING, "maxItems"),
            ("prefixItems", [STRING], "maxItems"), ("unevaluatedItems", False, "minItems"),
        ]
    ),
    # what is not supported anywhere
    *(
        (
            object_of(a=object_of(b=STRING) | {unknown: value}),
            f"'properties.a.{unknown}' is not supported",
            object_of(a=object_of(b=STRING) | {"description": "d"}),
        )
        for unknown, value in [
            ("allOf", [STRING]), ("not", STRING), ("dependentRequired", {"b": ["c"]}),
            ("dependentSchemas", {"b": STRING}), ("if", STRING), ("then", STRING), ("else", STRING),
            ("oneOf", [STRING]), ("patternProperties", {"^b": STRING}), ("default", {"b": ""}),
            ("propertyNames", STRING), ("minProperties", 1), ("title", "T"), ("definitions", {}),
        ]
    ),
    # sizes
    (many(5_001, STRING), "the schema has 5,001 properties, more than 5,000", many(5_000, STRING)),
    (
        nested(11),
        "'properties." + "properties.".join(["a."] * 10).strip(".") + "' is nested deeper",
        nested(10),
    ),
    (tree(11), "is nested deeper than 10 levels", tree(10)),
    (
        object_of(a=enum(999, 1), b={"enum": [1, 2]}),
        "the schema has 1,001 enum values, more than 1,000",
        object_of(a=enum(999, 1), b={"enum": [1]}),
    ),
    (
        object_of(a=enum(251, 60)),
        "'properties.a.enum' has 251 texts of 15,060 characters, more than 15,000",
        object_of(a=enum(250, 61)),
    ),
    (
        object_of(a=enum(1_000, 16)),
        "'properties.a.enum' has 1000 texts of 16,000 characters",
        object_of(a=enum(1_000, 15)),
    ),
    (
        object_of(a={"const": "x" * 119_999 + "y"}),
        "the schema has 120,001 characters",
        object_of(a={"const": "x" * 119_999}),
    ),
    (
        object_of(**{"a" * 120_001: STRING}),
        "the schema has 120,001 characters",
        object_of(**{"a" * 120_000: STRING}),
    ),
    (
        object_of(a=STRING) | {"$defs": {"D" * 120_000: STRING}},
        "the schema has 120,001 characters",
        object_of(a=STRING) | {"$defs": {"D" * 119_999: STRING}},
    ),
    (object_of(a=enum(240, 500)), "the schema has 120,001 characters", object_of(a=enum(239, 500))),
]  # fmt: skip


def test_there_are_rules_enough() -> None:
    """The table is long, and names a path for each."""
    assert len(RULES) >= 40


@pytest.mark.parametrize(("broken", "told", "fine"), RULES, ids=[told[:60] for _, told, _ in RULES])
def test_each_rule_of_strict_mode(broken: dict[str, Any], told: str, fine: dict[str, Any]) -> None:
    """What the API would refuse is named with its path; what is nearest to it passes."""
    found = lint(broken)

    assert told in found[0]
    assert lint(fine) == []


@pytest.mark.parametrize("fine", [fine for _, _, fine in RULES], ids=[told[:60] for _, told, _ in RULES])
def test_the_emulator_accepts_what_passes(fine: dict[str, Any]) -> None:
    """The emulator has a check of its own: no schema that we would send is refused by it."""
    check_strict(fine, fine_tuned=False)


#: On these the emulator, as the reference, says nothing.
UNCHECKED = (
    "is empty", "be combined", "Length", "lookaround", "divisibleBy", ".max'", ".min'", "Max'", "Min'",
    "title", "definitions", "is nested deeper than 10 levels",
)  # fmt: skip


@pytest.mark.parametrize(
    "broken", [broken for broken, told, _ in RULES if not any(part in told for part in UNCHECKED)]
)
def test_the_emulator_refuses_what_breaks_a_rule(broken: dict[str, Any]) -> None:
    """What the reference refuses, the emulator refuses as the API does."""
    with pytest.raises(BadSchema):
        check_strict(broken, fine_tuned=False)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"type": "array", "items": STRING}, "the root is of type 'array'"),
        ({"$ref": "#/$defs/Nope"}, "the root has no type"),
        (object_of(a={"anyOf": [STRING, {"not": STRING}]}), "'properties.a.anyOf.1.not' is not supported"),
        (object_of(a={"allOf": [STRING, STRING]}), "'properties.a.allOf' is not supported"),
        (object_of(a={"oneOf": [STRING], "anyOf": [STRING]}), "'properties.a.oneOf' is not supported"),
        (
            object_of(a={"allOf": [{"type": "integer", "minimum": 5}], "minimum": 1}),
            "'properties.a.allOf' is not supported",
        ),
        (
            object_of(a={"allOf": [object_of(b=STRING)], "properties": {"c": STRING}}),
            "'properties.a.allOf' is not supported",
        ),
        (
            object_of(a={"$ref": "#/$defs/N", "minimum": 1})
            | {"$defs": {"N": {"type": "integer", "minimum": 5}}},
            "'properties.a.$ref' cannot be combined",
        ),
        (
            {"$ref": "#/$defs/R", "properties": {"b": STRING}} | {"$defs": {"R": object_of(a=STRING)}},
            "the root has no type",
        ),
        (
            object_of(a={"$ref": "#", "minimum": 3, "description": "d"}),
            "'properties.a.$ref' cannot be combined",
        ),
        (object_of(a={"type": "object", "properties": 3}), "'properties.a.additionalProperties' is not"),
        (object_of(a={"type": "array", "prefixItems": 3}), "'properties.a.items' is missing"),
        (object_of(a=array(contains=STRING)), "'properties.a.contains' is not supported"),
        (optional({}), "'properties.a' has no type"),
        (optional({"not": STRING}), "'properties.a.not' is not supported"),
        (
            optional({"type": "string", "nullable": True}),
            "'properties.a.nullable' is not supported; write \"type\"",
        ),
        (optional(array(items={})), "'properties.a.items' has no type"),
        (optional({"oneOf": [STRING, {"not": STRING}]}), "'properties.a.oneOf.1.not' is not supported"),
        (object_of(a={"oneOf": [STRING, {"not": STRING}]}), "'properties.a.oneOf.1.not' is not supported"),
        (optional({"allOf": [array(items={})]}), "'properties.a.allOf.0.items' has no type"),
        (
            optional({"$ref": "#/$defs/L", "description": "d"}) | {"$defs": {"L": array(items={})}},
            "mode: '$defs.L.items' has no type. ",
        ),
        (
            object_of(a={"$ref": "#/definitions/L"}) | {"definitions": {"L": array(items={})}},
            "'definitions.L.items' has no type",
        ),
        (optional(tuple_of(STRING, {"not": STRING})), "'properties.a.prefixItems.1.not' is not supported"),
        (optional(tuple_of(array(items={}))), "'properties.a.prefixItems.0.items' has no type"),
        (object_of(a=tuple_of(STRING, STRING, {})), "'properties.a.prefixItems.2' has no type"),
        (
            object_of(a=tuple_of({"title": "T"} | EITHER, EITHER)),
            "'properties.a.prefixItems.0.anyOf.2.not' is not supported. ",
        ),
        (object_of(a=tuple_of(STRING, True)), "'properties.a.prefixItems.1' is not a schema"),
        (object_of(a=tuple_of(STRING, {"anyOf": []})), "'properties.a.prefixItems.1.anyOf' is not a list"),
        (
            optional({"anyOf": [{"oneOf": [STRING, {"not": STRING}], "title": "T"}, {"format": "a"}]}),
            "mode: 'properties.a.anyOf.0.oneOf.1.not' is not supported; 'properties.a.anyOf.1' has no type. ",
        ),
        (
            optional({"anyOf": [STRING, {"allOf": [{"oneOf": [STRING, {"not": STRING}]}]}]}),
            "'properties.a.anyOf.1.allOf.0.oneOf.1.not' is not supported",
        ),
        (
            optional({"anyOf": [{"allOf": [STRING, STRING]}]}),
            "'properties.a.anyOf.0.allOf' is not supported. ",
        ),
        (
            object_of(a={"$defs": {"D": array(items={})}, **STRING}),
            "'properties.a.$defs.D.items' has no type",
        ),
        (object_of(a=True), "'properties.a' is not a schema"),
        (object_of(anyOf={"anyOf": [array(items={})]}), "'properties.anyOf.anyOf.0.items' has no type"),
        (object_of(enum={}, type=STRING), "'properties.enum' has no type"),
        (object_of(**{"ä.b": optional({})}), "'properties.ä.b.properties.a' has no type"),
    ],
)
def test_what_cannot_be_built_is_refused(given: dict[str, Any], told: str) -> None:
    """A bad schema would fail every line of a paid file; here it fails before anything is sent."""
    with pytest.raises(InvalidRequest) as caught:
        to_strict(given)

    assert told in str(caught.value)
    # Without an object at the root there are no columns: loose mode would not take it either.
    advice = '{"type": "object", ' if told.startswith("the root") else '{"schema": ..., "strict": False}'
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (object_of(a=STRING) | {"required": ["a", "b"]}, "'required' names 'b', which is not a property."),
        (
            optional({"type": "object", "properties": {"b": STRING, "c": {}}, "required": ["d"]}),
            "'properties.a.required' names 'd', which is not a property.",
        ),
        (optional({"enum": []}), "'properties.a.enum' is empty; list the values."),
        (optional({"enum": "a"}), "'properties.a.enum' is 'a'; list the values."),
        (object_of(a={"$ref": 3}), "'properties.a.$ref' is 3, which is not in the schema."),
        (optional(REF), "'properties.a.$ref' is '#/$defs/D', which is not in the schema."),
        (
            optional(REF | {"description": "d"}),
            "'properties.a.$ref' is '#/$defs/D', which is not in the schema.",
        ),
    ],
)
def test_a_mistake_is_one_in_any_mode(given: dict[str, Any], told: str) -> None:
    """Loose mode would not help: answers would be paid for and fit nothing."""
    with pytest.raises(InvalidRequest) as caught:
        to_strict(given)

    assert str(caught.value) == f"output_type has a mistake: {told}"


def test_a_reference_to_a_property_is_what_the_property_is() -> None:
    """A property that may be absent becomes null; what refers to it and is required does not."""
    given = {
        "type": "object",
        "properties": {"a": STRING, "b": {"$ref": "#/properties/a"}},
        "required": ["b"],
    }

    assert to_strict(given).checked["properties"] == {"a": {"type": ["string", "null"]}, "b": STRING}


def test_a_reference_may_lead_to_another() -> None:
    """An alias of an alias is what the last of them is, also at the root and with a description."""
    words = {"A": {"$ref": "#/$defs/B"}, "B": STRING, "R": {"$ref": "#/$defs/S"}}
    root = object_of(a={"$ref": "#/$defs/A", "description": "d"})

    strict = to_strict({"$ref": "#/$defs/R", "$defs": words | {"S": root}}).sent

    assert strict["properties"]["a"] == STRING | {"description": "d"}


def test_a_reference_into_a_definition_is_what_stands_there() -> None:
    """The property of a definition becomes null as well; what refers to it and is required does not."""
    definition = {"type": "object", "properties": {"b": STRING}}
    given = object_of(b={"$ref": "#/$defs/D/properties/b"}, d=REF) | {"$defs": {"D": definition}}

    strict = to_strict(given).checked

    assert strict["properties"] == {"b": STRING, "d": REF}
    assert strict["$defs"]["D"]["properties"] == {"b": {"type": ["string", "null"]}}


def test_references_are_found_by_their_escaped_path() -> None:
    """A name may hold a slash or a tilde."""
    assert resolve({"$defs": {"a/b~c": STRING}}, "#/$defs/a~1b~0c") == STRING
    assert resolve({"$defs": 3}, "#/$defs/a") is None
    assert resolve({}, "elsewhere") is None
    assert to_strict({"$ref": "#/$defs/R", "$defs": {"R": object_of(a=STRING)}}).sent["required"] == ["a"]
    assert lint({"$ref": "#/$defs/R"}) == ["the root has no type"]


#: Nodes with a mistake each, and all that is built anew around them.
BAD = st.sampled_from(
    [{}, {"enum": []}, {"type": "text"}, array(items={}), {"not": STRING}, {"type": "object"}]
)
NODES = st.recursive(
    BAD,
    lambda inner: st.one_of(
        inner.map(lambda node: {"type": "object", "properties": {"a": node, "b": STRING}}),
        inner.map(lambda node: array(items=node)),
        st.tuples(st.sampled_from(["anyOf", "oneOf", "allOf"]), st.lists(inner, min_size=1, max_size=3)).map(
            lambda choice: {choice[0]: choice[1]}
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: tuple_of(*items)),
        st.sampled_from([REF, REF | {"description": "d"}, {"$ref": "#", "pattern": "(?=a)"}]),
    ),
    max_leaves=6,
)


def leads_somewhere(place: str, given: Any) -> bool:
    """Follow a path to the node that it is about; its last step may be what is missing there."""
    *steps, _ = place.split(".")
    for step in steps:
        given = given[int(step)] if isinstance(given, list) else given.get(step, ())
    return isinstance(given, (dict, list))


@given(node=NODES, definition=NODES)
def test_a_path_leads_to_a_place_of_the_given_schema(
    node: dict[str, Any], definition: dict[str, Any]
) -> None:
    """Whatever was copied in, merged, or made nullable: a person finds in the schema what is named."""
    schema = object_of(a=node) | {"required": [], "$defs": {"D": definition}}

    assert [place for place in named_places(schema) if not leads_somewhere(place, schema)] == []


def named_places(schema: dict[str, Any]) -> list[str]:
    """Return the paths that the refusal of a schema names; a reference to itself alone is taken."""
    try:
        to_strict(schema)
    except InvalidRequest as refused:
        return re.findall(r"(?:^|; |: )'([^' ]+)' ", str(refused))
    return []


def test_paths_of_a_refusal_are_found():
    """Else the property above would hold of any schema."""
    assert named_places(object_of(a={}, b={"enum": []})) == ["properties.b.enum"]
    assert named_places(object_of(a={}, b={"not": STRING})) == ["properties.a", "properties.b.not"]
