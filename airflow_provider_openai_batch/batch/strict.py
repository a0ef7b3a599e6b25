"""The strict form of a JSON schema (API guide: Structured outputs, supported schemas)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_openai_batch.exceptions import InvalidRequest

Schema = dict[str, Any]

DROPPED = frozenset({
    "title", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly",
    "discriminator",
})  # fmt: skip
ALLOWED = frozenset({
    "$ref", "$defs", "type", "enum", "const", "anyOf", "description", "properties", "required",
    "additionalProperties", "items", "minItems", "maxItems", "pattern", "format", "multipleOf", "minimum",
    "maximum", "exclusiveMinimum", "exclusiveMaximum",
})  # fmt: skip
TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
FORMATS = frozenset({
    "date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid",
})  # fmt: skip
DEFS = "#/$defs/"
MAX_DEPTH = 10
MAX_PROPERTIES = 5_000
MAX_ENUM_VALUES = 1_000
MAX_CHARACTERS = 120_000
LARGE_ENUM = 250
MAX_LARGE_ENUM_CHARACTERS = 15_000


def to_strict(schema: Mapping[str, Any]) -> Schema:
    """Build the strict form and check it; an optional property without a default becomes nullable."""
    strict = _Builder(schema).build()
    offending = lint(strict)
    if offending:
        raise InvalidRequest(
            f"output_type cannot be asked for in strict mode: {'; '.join(offending[:5])}. "
            'Remove it, or give {"schema": ..., "strict": False}.'
        )
    return strict


def resolve(root: Mapping[str, Any], ref: str) -> Mapping[str, Any] | None:
    """Find what a reference inside one schema points to, or None."""
    found: object = root
    for part in ref.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if ref.startswith("#") and isinstance(found, Mapping) else None


class _Builder:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.root = _rename_definitions(schema)

    def build(self) -> Schema:
        root = dict(self.root)
        seen: set[str] = set()
        while isinstance(ref := root.get("$ref"), str) and ref not in seen:
            seen.add(ref)
            target = resolve(self.root, ref)
            if target is None:
                break
            root = {**target, **{name: part for name, part in root.items() if name != "$ref"}}
        definitions = root.pop("$defs", None)
        built = self.node(root, ())
        if isinstance(definitions, Mapping) and definitions:
            built["$defs"] = {name: self.part(node, ()) for name, node in definitions.items()}
        return built

    def part(self, node: object, inside: tuple[str, ...]) -> Any:
        return self.node(node, inside) if isinstance(node, Mapping) else node

    def node(self, node: Mapping[str, Any], inside: tuple[str, ...]) -> Schema:
        """Build one node; `inside` names the references that are being copied in."""
        kept = {name: part for name, part in node.items() if name not in DROPPED}
        ref = kept.get("$ref")
        if isinstance(ref, str) and len(kept) > 1:
            target = resolve(self.root, ref)
            if target is not None and ref not in inside:
                merged = {**target, **{name: part for name, part in kept.items() if name != "$ref"}}
                return self.node(merged, (*inside, ref))
            kept.pop("description", None)
        several = kept.get("allOf")
        if isinstance(several, list) and len(several) == 1 and isinstance(several[0], Mapping):
            del kept["allOf"]
            return self.node({**several[0], **kept}, inside)
        if "oneOf" in kept and "anyOf" not in kept:
            kept = {("anyOf" if name == "oneOf" else name): part for name, part in kept.items()}
        return self.children(kept, inside)

    def children(self, node: Schema, inside: tuple[str, ...]) -> Schema:
        if "items" in node:
            node["items"] = self.part(node["items"], inside)
        if isinstance(node.get("anyOf"), list):
            node["anyOf"] = [self.part(branch, inside) for branch in node["anyOf"]]
        if "properties" in node or node.get("type") == "object":
            return self.object(node, inside)
        return node

    def object(self, node: Schema, inside: tuple[str, ...]) -> Schema:
        properties = node.get("properties", {})
        if not isinstance(properties, Mapping):
            return node
        required = node.get("required") or []
        built = {}
        for name, part in properties.items():
            strict = self.part(part, inside)
            optional = name not in required and isinstance(part, Mapping) and part.get("default") is None
            built[name] = _nullable(strict) if optional and isinstance(strict, dict) else strict
        node["properties"] = built
        node["required"] = list(built)
        node.setdefault("additionalProperties", False)
        return node


def _rename_definitions(schema: Mapping[str, Any]) -> Schema:
    """Write `definitions`, the older name, as `$defs`."""
    if "definitions" not in schema or "$defs" in schema:
        return dict(schema)
    moved = {("$defs" if name == "definitions" else name): part for name, part in schema.items()}
    return _rename_refs(moved)  # type: ignore[no-any-return]


def _rename_refs(node: Any) -> Any:
    if isinstance(node, list):
        return [_rename_refs(part) for part in node]
    if not isinstance(node, Mapping):
        return node
    return {
        name: part.replace("#/definitions/", DEFS)
        if name == "$ref" and isinstance(part, str)
        else _rename_refs(part)
        for name, part in node.items()
    }


def _nullable(node: Schema) -> Schema:
    kind = node.get("type")
    if "anyOf" in node:
        branches = node["anyOf"]
        return node if {"type": "null"} in branches else {**node, "anyOf": [*branches, {"type": "null"}]}
    if isinstance(kind, str) and kind != "null" and "const" not in node:
        node = {**node, "type": [kind, "null"]}
        return {**node, "enum": [*node["enum"], None]} if "enum" in node else node
    if kind == "null" or (isinstance(kind, list) and "null" in kind):
        return node
    description = {"description": node.pop("description")} if "description" in node else {}
    return {**description, "anyOf": [node, {"type": "null"}]}


def lint(schema: Mapping[str, Any]) -> list[str]:
    """Name what the API would refuse in a strict schema, each with its path; empty when it is fine."""
    linter = _Linter(schema)
    if "anyOf" in schema:
        return ["the root is an anyOf, not an object"]
    if schema.get("type") != "object":
        return [f"the root is of type {schema.get('type')!r}, not an object"]
    return [*linter.node(schema, (), 1), *linter.sizes()]


class _Linter:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.properties = self.enum_values = self.characters = 0

    def node(self, node: object, path: tuple[str, ...], depth: int) -> Iterator[str]:
        if not isinstance(node, Mapping):
            yield f"{_at(path)} is not a schema"
            return
        yield from (f"{_at((*path, name))} is not supported" for name in node if name not in ALLOWED)
        if depth > MAX_DEPTH and {"properties", "items"} & node.keys():
            yield f"{_at(path)} is nested deeper than {MAX_DEPTH} levels"
            return
        yield from self.kind(node, path)
        yield from self.enum(node, path)
        yield from self.object(node, path)
        for step, child, deeper in _children(node):
            yield from self.node(child, (*path, *step), depth + deeper)

    def kind(self, node: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
        if not {"type", "enum", "const", "anyOf", "$ref"} & node.keys():
            yield f"{_at(path)} has no type"
        kind = node.get("type", [])
        for name in kind if isinstance(kind, list) else [kind]:
            if name not in TYPES:
                yield f"{_at((*path, 'type'))} is {name!r}, not one of {', '.join(sorted(TYPES))}"
        if node.get("format", "date") not in FORMATS:
            yield f"{_at((*path, 'format'))} is {node['format']!r}, not one of {', '.join(sorted(FORMATS))}"
        ref = node.get("$ref", "#")
        if not isinstance(ref, str) or resolve(self.root, ref) is None:
            yield f"{_at((*path, '$ref'))} is {ref!r}, which is not in the schema"
        elif "$ref" in node and len(node) > 1:
            yield f"{_at((*path, '$ref'))} stands beside other keywords"

    def enum(self, node: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
        values = node.get("enum")
        if values is None:
            self.characters += len(str(node.get("const", "")))
            return
        if not isinstance(values, list) or not values:
            yield f"{_at((*path, 'enum'))} is not a list of values"
            return
        characters = sum(len(value) for value in values if isinstance(value, str))
        self.enum_values += len(values)
        self.characters += characters
        if len(values) > LARGE_ENUM and characters > MAX_LARGE_ENUM_CHARACTERS:
            yield (
                f"{_at((*path, 'enum'))} has {len(values)} values of {characters:,} characters, "
                f"more than {MAX_LARGE_ENUM_CHARACTERS:,}"
            )

    def object(self, node: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
        kind = node.get("type")
        if kind != "object" and not (isinstance(kind, list) and "object" in kind):
            return
        if node.get("additionalProperties") is not False:
            yield f"{_at((*path, 'additionalProperties'))} is not false"
        properties = node.get("properties")
        if not isinstance(properties, Mapping) or not properties:
            yield f"{_at((*path, 'properties'))} is empty"
            return
        self.properties += len(properties)
        self.characters += sum(map(len, properties))
        missing = [name for name in properties if name not in node.get("required", ())]
        if missing:
            yield f"{_at((*path, 'required'))} lacks {', '.join(missing)}"

    def sizes(self) -> Iterator[str]:
        for count, limit, what in (
            (self.properties, MAX_PROPERTIES, "properties"),
            (self.enum_values, MAX_ENUM_VALUES, "enum values"),
            (self.characters, MAX_CHARACTERS, "characters of names and enum values"),
        ):
            if count > limit:
                yield f"the schema has {count:,} {what}, more than {limit:,}"


def _children(node: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], object, int]]:
    """Give each schema inside a node with the path to it and by how many levels it is deeper."""
    for name in ("properties", "$defs"):
        inner = node.get(name)
        if isinstance(inner, Mapping):
            yield from (((name, key), child, int(name == "properties")) for key, child in inner.items())
    if "items" in node:
        yield ("items",), node["items"], 1
    branches = node.get("anyOf")
    if isinstance(branches, list):
        yield from ((("anyOf", str(index)), branch, 0) for index, branch in enumerate(branches))


def _at(path: tuple[str, ...]) -> str:
    return repr(".".join(path)) if path else "the root"
