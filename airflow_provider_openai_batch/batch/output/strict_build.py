"""The strict form of a JSON schema: closed objects, all of their properties required, no annotations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_openai_batch.batch.output.schema_places import NotSchema, Place, Placed, like

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
        #: How the schema itself names its definitions.
        self.definitions = "$defs" if "$defs" in schema else "definitions"
        self.root = Placed(_rename_definitions(schema), (), moved={"$defs": (self.definitions,)})

    def build(self) -> Schema:
        root = _without(self.root, lambda _: False)
        seen: set[str] = set()
        while isinstance(ref := root.get("$ref"), str) and ref not in seen:
            seen.add(ref)
            target, beside = self.target(ref), _beside(root)
            if target is None or _contradicts(beside, target):
                break
            root = beside.over(target)
        definitions, place = root.pop("$defs", None), root.at("$defs")
        built = self.node(root, ())
        if isinstance(definitions, Mapping) and definitions:
            built["$defs"] = self.parts(definitions, place, ())
        return built

    def target(self, ref: str) -> Placed | None:
        """Find what a reference points to, and where that stands."""
        found = resolve(self.root, ref)
        if found is self.root:
            return self.root
        place = tuple(ref.split("/")[1:])
        if place[:1] == ("$defs",):
            place = (self.definitions, *place[1:])
        return None if found is None else Placed(found, place)

    def part(self, node: object, place: Place, inside: tuple[str, ...]) -> Any:
        if not isinstance(node, Mapping):
            return NotSchema(node, place)
        return self.node(Placed(node, place), inside)

    def parts(self, nodes: Mapping[str, Any], place: Place, inside: tuple[str, ...]) -> Schema:
        return {name: self.part(node, (*place, name), inside) for name, node in nodes.items()}

    def node(self, node: Placed, inside: tuple[str, ...]) -> Placed:
        """Build one node; `inside` names the references that are being copied in."""
        kept = _without(node, is_annotation)
        if kept.get("format") in UUIDS:
            kept["format"] = "uuid"
        ref = kept.get("$ref")
        if isinstance(ref, str) and (len(kept) > 1 or not _is_definition(ref)):
            target, beside = self.target(ref), _beside(kept)
            if target is not None and _contradicts(beside, target):
                return self.children(kept, inside)
            if target is not None and ref not in inside:
                return self.node(beside.over(target), (*inside, ref))
            kept.pop("description", None)
        several = kept.get("allOf")
        only = several[0] if isinstance(several, list) and len(several) == 1 else None
        if isinstance(only, Mapping) and not _contradicts(kept, only):
            place = (*kept.at("allOf"), "0")
            del kept["allOf"]
            return self.node(kept.over(Placed(only, place)), inside)
        return self.children(kept, inside)

    def children(self, node: Placed, inside: tuple[str, ...]) -> Placed:
        if "items" in node:
            node["items"] = self.part(node["items"], node.at("items"), inside)
        for name in ("anyOf", "oneOf", "prefixItems"):
            if isinstance(node.get(name), list):
                numbered = {str(number): branch for number, branch in enumerate(node[name])}
                node[name] = list(self.parts(numbered, node.at(name), inside).values())
        if isinstance(node.get("$defs"), Mapping):
            node["$defs"] = self.parts(node["$defs"], node.at("$defs"), inside)
        if "properties" in node or node.get("type") == "object":
            return self.object(node, inside)
        return node

    def object(self, node: Placed, inside: tuple[str, ...]) -> Placed:
        properties = node.get("properties", {})
        if not isinstance(properties, Mapping):
            return node
        required = node.get("required")
        required = required if isinstance(required, list) else []
        built = self.parts(properties, node.at("properties"), inside)
        for name, part in properties.items():
            optional = name not in required and isinstance(part, Mapping) and part.get("default") is None
            if optional and isinstance(built[name], Placed):
                built[name] = _nullable(built[name])
        node["properties"] = built
        node["required"] = [*built, *(name for name in required if name not in built)]
        node.setdefault("additionalProperties", False)
        return node


def _without(node: Placed, is_left_out: Callable[[str], bool]) -> Placed:
    kept = {name: part for name, part in node.items() if not is_left_out(name)}
    return Placed(kept, node.place, base=node.base, moved=node.moved)


def _beside(node: Placed) -> Placed:
    """Return what stands beside a reference, which may lead to another one."""
    return _without(node, lambda name: name == "$ref")


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


def _nullable(node: Placed) -> Schema:
    kind = node.get("type")
    if "anyOf" in node:
        branches = node["anyOf"]
        has_null = {"type": "null"} in branches
        return node if has_null else like(node, {**node, "anyOf": [*branches, {"type": "null"}]})
    if isinstance(kind, str) and kind != "null" and "const" not in node:
        nullable = {**node, "type": [kind, "null"]}
        return like(node, {**nullable, "enum": [*node["enum"], None]} if node.get("enum") else nullable)
    if kind == "null" or (isinstance(kind, list) and "null" in kind):
        return node
    description = {"description": node.pop("description")} if "description" in node else {}
    return like(node, {**description, "anyOf": [node, {"type": "null"}]})
