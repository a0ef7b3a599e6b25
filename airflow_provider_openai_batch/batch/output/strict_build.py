"""The strict form of a JSON schema: closed objects, all of their properties required, no annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

#: Says nothing about which answers fit.
DROPPED = frozenset({
    "title", "default", "examples", "example", "$schema", "$id", "$comment", "deprecated", "readOnly",
    "writeOnly", "discriminator", "contentSchema",
})  # fmt: skip
UUIDS = tuple(f"uuid{version}" for version in range(1, 9))
DEFS = "#/$defs/"


def resolve(root: Mapping[str, Any], ref: str) -> Mapping[str, Any] | None:
    """Find what a reference inside one schema points to, or None."""
    found: object = root
    for part in ref.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if ref.startswith("#") and isinstance(found, Mapping) else None


def build(schema: Mapping[str, Any]) -> Schema:
    """Build the strict form of a schema; an optional property without a default becomes nullable."""
    return _Builder(schema).build()


class _Builder:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.root = _rename_definitions(schema)

    def build(self) -> Schema:
        root = dict(self.root)
        seen: set[str] = set()
        while isinstance(ref := root.get("$ref"), str) and ref not in seen:
            seen.add(ref)
            target, beside = resolve(self.root, ref), _beside(root)
            if target is None or _contradicts(beside, target):
                break
            root = {**target, **beside}
        definitions = root.pop("$defs", None)
        built = self.node(root, ())
        if isinstance(definitions, Mapping) and definitions:
            built["$defs"] = {name: self.part(node, ()) for name, node in definitions.items()}
        return built

    def part(self, node: object, inside: tuple[str, ...]) -> Any:
        return self.node(node, inside) if isinstance(node, Mapping) else node

    def node(self, node: Mapping[str, Any], inside: tuple[str, ...]) -> Schema:
        """Build one node; `inside` names the references that are being copied in."""
        kept = {name: part for name, part in node.items() if not is_annotation(name)}
        if kept.get("format") in UUIDS:
            kept["format"] = "uuid"
        ref = kept.get("$ref")
        if isinstance(ref, str) and (len(kept) > 1 or not _is_definition(ref)):
            target, beside = resolve(self.root, ref), _beside(kept)
            if target is not None and _contradicts(beside, target):
                return self.children(kept, inside)
            if target is not None and ref not in inside:
                return self.node({**target, **beside}, (*inside, ref))
            kept.pop("description", None)
        several = kept.get("allOf")
        only = several[0] if isinstance(several, list) and len(several) == 1 else None
        if isinstance(only, Mapping) and not _contradicts(kept, only):
            del kept["allOf"]
            return self.node({**only, **kept}, inside)
        return self.children(kept, inside)

    def children(self, node: Schema, inside: tuple[str, ...]) -> Schema:
        if "items" in node:
            node["items"] = self.part(node["items"], inside)
        for name in ("anyOf", "oneOf", "prefixItems"):
            if isinstance(node.get(name), list):
                node[name] = [self.part(branch, inside) for branch in node[name]]
        if isinstance(node.get("$defs"), Mapping):
            node["$defs"] = {name: self.part(part, inside) for name, part in node["$defs"].items()}
        if "properties" in node or node.get("type") == "object":
            return self.object(node, inside)
        return node

    def object(self, node: Schema, inside: tuple[str, ...]) -> Schema:
        properties = node.get("properties", {})
        if not isinstance(properties, Mapping):
            return node
        required = node.get("required")
        required = required if isinstance(required, list) else []
        built = {}
        for name, part in properties.items():
            strict = self.part(part, inside)
            optional = name not in required and isinstance(part, Mapping) and part.get("default") is None
            built[name] = _nullable(strict) if optional and isinstance(strict, dict) else strict
        node["properties"] = built
        node["required"] = [*built, *(name for name in required if name not in built)]
        node.setdefault("additionalProperties", False)
        return node


def _beside(node: Mapping[str, Any]) -> Schema:
    """Return what stands beside a reference, which may lead to another one."""
    return {name: part for name, part in node.items() if name != "$ref"}


def _contradicts(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether both say different things of one keyword: of a merge, one would be lost."""
    return any(
        name in other and other[name] != part
        for name, part in one.items()
        if name != "description" and not is_annotation(name)
    )


def _is_definition(ref: str) -> bool:
    """Return whether a reference is to a whole definition; what is inside one may have become nullable."""
    return ref == "#" or (ref.startswith(DEFS) and "/" not in ref.removeprefix(DEFS))


def is_annotation(name: str) -> bool:
    """Return whether a keyword says nothing about which answers fit, and is left out."""
    return name in DROPPED or name.startswith("x-")


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
        return {**node, "enum": [*node["enum"], None]} if node.get("enum") else node
    if kind == "null" or (isinstance(kind, list) and "null" in kind):
        return node
    description = {"description": node.pop("description")} if "description" in node else {}
    return {**description, "anyOf": [node, {"type": "null"}]}
