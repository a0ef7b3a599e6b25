"""Where in a user's schema a place of its strict form comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_openai_batch.batch.strict_build import resolve

#: What a keyword of the strict form may be called in a schema.
OLDER = {"anyOf": "oneOf", "$defs": "definitions"}


def as_given(path: tuple[str, ...], given: Mapping[str, Any]) -> list[str]:
    """Write a place of a strict schema as that of the schema it was built from.

    What stands in a choice with null may stand alone there, and what was merged stands where it is defined.
    """
    told: list[str] = []
    node: Any = given
    merged: set[str] = set()
    while path:
        name, rest = path[0], path[1:]
        if isinstance(node, Mapping) and name not in node:
            ref = node.get("$ref")
            if _is_our_choice(path, node):
                path = rest[1:]
                continue
            if isinstance(ref, str) and ref not in merged and (target := resolve(given, ref)) is not None:
                merged.add(ref)
                told, node = ref.split("/")[1:], target
                continue
            if "allOf" in node:
                told, node = [*told, "allOf", "0"], _inner(node["allOf"], "0")
                continue
            name = OLDER[name] if OLDER.get(name) in node else name
        told.append(name)
        node, path = _inner(node, name), rest
    return told


def _is_our_choice(path: tuple[str, ...], node: Mapping[str, Any]) -> bool:
    """Tell a choice between a node and null, which its schema lacks."""
    if path[:2] != ("anyOf", "0") or "oneOf" in node:
        return False
    return path[2:3] == () or path[2] in node or not {"$ref", "allOf"} & node.keys()


def _inner(node: object, step: str) -> object:
    if isinstance(node, list) and step.isdigit() and int(step) < len(node):
        return node[int(step)]
    return node.get(step) if isinstance(node, Mapping) else None
