"""What strict mode refuses (API guide: Structured outputs, supported schemas)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_openai_batch.batch.output.schema_places import NotSchema, Place, Placed
from airflow_provider_openai_batch.batch.output.strict_build import resolve

ALLOWED = frozenset({
    "$ref", "$defs", "type", "enum", "const", "anyOf", "description", "properties", "required",
    "additionalProperties", "items", "minItems", "maxItems", "pattern", "format", "multipleOf", "minimum",
    "maximum", "exclusiveMinimum", "exclusiveMaximum",
})  # fmt: skip
TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
FORMATS = frozenset({
    "date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid",
})  # fmt: skip
#: What says of which type a value is; what is not supported is reported already.
TYPED = frozenset({"type", "enum", "const", "anyOf", "$ref", "allOf", "oneOf", "not"})
#: What to write for what is not supported.
INSTEAD = {"nullable": '; write "type": [..., "null"]'}
MAX_DEPTH = 10
MAX_PROPERTIES = 5_000
MAX_ENUM_VALUES = 1_000
MAX_CHARACTERS = 120_000
LARGE_ENUM = 250
MAX_LARGE_ENUM_CHARACTERS = 15_000
#: Escapes and character classes, in which nothing is a lookaround.
LITERAL = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
AROUND = re.compile(r"\(\?<?[=!]")


class Mistake(str):
    """What is wrong in any mode."""

    __slots__ = ()


def lint(schema: Mapping[str, Any]) -> list[str]:
    """Name what the API would refuse in a strict schema, each with its path; empty when it is fine.

    Paths are those of the schema that it was built from, as far as its nodes know them.
    """
    linter = _Linter(schema)
    if "anyOf" in schema:
        return ["the root is an anyOf, not an object"]
    if "type" not in schema:
        return ["the root has no type"]
    if schema["type"] != "object":
        return [f"the root is of type {schema['type']!r}, not an object"]
    return list(dict.fromkeys([*linter.node(schema, (), 1), *linter.sizes()]))


class _Linter:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.properties = self.enum_values = self.characters = 0

    def node(self, given: object, place: Place, depth: int) -> Iterator[str]:
        if not isinstance(given, Mapping):
            yield f"{_shown(given.place if isinstance(given, NotSchema) else place)} is not a schema"
            return
        node = given if isinstance(given, Placed) else Placed(given, place)
        yield from (
            f"{_at(node, name)} is not supported{INSTEAD.get(name, '')}"
            for name in node
            if name not in ALLOWED
        )
        self.characters += sum(map(len, _names(node, "$defs")))
        if depth > MAX_DEPTH and {"properties", "items"} & node.keys():
            yield f"{_shown(node.place)} is nested deeper than {MAX_DEPTH} levels"
            return
        for rule in (self.kind, self.text, self.reference, self.enum, self.object):
            yield from rule(node)
        for inner, child, deeper in _children(node):
            yield from self.node(child, inner, depth + deeper)

    def kind(self, node: Placed) -> Iterator[str]:
        if not TYPED & node.keys():
            yield f"{_shown(node.place)} has no type"
        kinds = _kinds(node)
        for name in kinds:
            if not (isinstance(name, str) and name in TYPES):
                yield f"{_at(node, 'type')} is {name!r}, not one of {', '.join(sorted(TYPES))}"
        if "array" in kinds and "items" not in node:
            yield f"{_at(node, 'items')} is missing"
        branches = node.get("anyOf", [node])
        if not isinstance(branches, list) or not branches:
            yield f"{_at(node, 'anyOf')} is not a list of schemas"

    def text(self, node: Placed) -> Iterator[str]:
        form = node.get("format", "date")
        if not (isinstance(form, str) and form in FORMATS):
            yield f"{_at(node, 'format')} is {form!r}, not one of {', '.join(sorted(FORMATS))}"
        if isinstance(node.get("pattern"), str) and looks_around(node["pattern"]):
            yield f"{_at(node, 'pattern')} uses a lookaround, which is not supported"

    def reference(self, node: Placed) -> Iterator[str]:
        ref = node.get("$ref", "#")
        if not isinstance(ref, str) or resolve(self.root, ref) is None:
            yield Mistake(f"{_at(node, '$ref')} is {ref!r}, which is not in the schema")
        elif "$ref" in node and len(node) > 1:
            yield f"{_at(node, '$ref')} cannot be combined with other keywords"

    def enum(self, node: Placed) -> Iterator[str]:
        values = node.get("enum")
        if values is None:
            self.characters += len(str(node.get("const", "")))
            return
        if not isinstance(values, list) or not values:
            what = "is empty" if values == [] else f"is {values!r}"
            yield Mistake(f"{_at(node, 'enum')} {what}; list the values")
            return
        self.enum_values += len(values)
        self.characters += sum(len(str(value)) for value in values)
        texts = [value for value in values if isinstance(value, str)]
        characters = sum(map(len, texts))
        if len(texts) > LARGE_ENUM and characters > MAX_LARGE_ENUM_CHARACTERS:
            yield (
                f"{_at(node, 'enum')} has {len(texts)} texts of {characters:,} characters, "
                f"more than {MAX_LARGE_ENUM_CHARACTERS:,}"
            )

    def object(self, node: Placed) -> Iterator[str]:
        if "object" not in _kinds(node):
            return
        closed = node.get("additionalProperties") is False
        if not closed:
            yield (
                f"{_at(node, 'additionalProperties')} is not false; in place of fields that the model "
                "names (a dict), ask for a list of objects with a name and a value"
            )
        properties = node.get("properties")
        if not isinstance(properties, Mapping) or not properties:
            if closed:
                yield f"{_at(node, 'properties')} is empty; name the fields"
            return
        self.properties += len(properties)
        self.characters += sum(map(len, properties))
        required = node["required"] if isinstance(node.get("required"), list) else []
        missing = [name for name in properties if name not in required]
        if missing:
            yield f"{_at(node, 'required')} lacks {', '.join(missing)}"
        unknown = [name for name in required if name not in properties]
        if unknown:
            yield Mistake(f"{_at(node, 'required')} names {unknown[0]!r}, which is not a property")

    def sizes(self) -> Iterator[str]:
        for count, limit, what in (
            (self.properties, MAX_PROPERTIES, "properties"),
            (self.enum_values, MAX_ENUM_VALUES, "enum values"),
            (self.characters, MAX_CHARACTERS, "characters of names and enum values"),
        ):
            if count > limit:
                yield f"the schema has {count:,} {what}, more than {limit:,}"


def _at(node: Placed, keyword: str) -> str:
    return _shown(node.at(keyword))


def _shown(place: Place) -> str:
    return repr(".".join(place)) if place else "the root"


def looks_around(pattern: str) -> bool:
    """Return whether a regular expression looks ahead or behind, which the API refuses."""
    return AROUND.search(LITERAL.sub("", pattern)) is not None


def _kinds(node: Mapping[str, Any]) -> list[Any]:
    kind = node.get("type", [])
    return kind if isinstance(kind, list) and (kind or "type" not in node) else [kind]


def _names(node: Mapping[str, Any], keyword: str) -> list[str]:
    inner = node.get(keyword)
    return [str(name) for name in inner] if isinstance(inner, Mapping) else []


def _children(node: Placed) -> Iterator[tuple[Place, object, int]]:
    """Give each schema inside a node with its place and by how many levels it is deeper."""
    for name in ("properties", "$defs"):
        inner = node.get(name)
        if isinstance(inner, Mapping):
            deeper = int(name == "properties")
            yield from (((*node.at(name), key), child, deeper) for key, child in inner.items())
    if "items" in node:
        yield node.at("items"), node["items"], 1
    branches = node.get("anyOf")
    if isinstance(branches, list):
        yield from (((*node.at("anyOf"), str(index)), branch, 0) for index, branch in enumerate(branches))
