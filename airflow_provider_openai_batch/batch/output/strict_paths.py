"""Where in a user's schema a place of its strict form comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_openai_batch.batch.output.strict_build import is_annotation, resolve

Path = tuple[str, ...]
Step = tuple[Path, int]
CHOICES = ("anyOf", "oneOf")


def as_given(path: Path, given: Mapping[str, Any]) -> Path:
    """Write a place of a strict schema as that of the schema it was built from.

    What stands in a choice with null may stand alone there, and what was merged stands where it is defined.
    """
    place: Path = ()
    node: Any = given
    merged: set[str] = set()
    while path and isinstance(node, Mapping):
        ref = node.get("$ref")
        if (step := _step(path, node)) is not None:
            there, taken = step
            place, node, path = (*place, *there), _inside(node, there), path[taken:]
        elif isinstance(ref, str) and ref not in merged and (target := resolve(given, ref)) is not None:
            merged.add(ref)
            place, node = tuple(ref.split("/")[1:]), target
        elif "allOf" in node:
            place, node = (*place, "allOf", "0"), _inside(node, ("allOf", "0"))
        else:
            break
    return (*place, *path)


def _step(path: Path, node: Mapping[str, Any]) -> Step | None:
    """Find what a path begins with in a node: the steps there, and of how many of the path they are."""
    name = path[0]
    if name == "anyOf":
        return _choice(path[1:], node)
    if name in node:
        return path[:1], 1
    if name == "$defs" and "definitions" in node:
        return ("definitions",), 1
    if name == "items" and isinstance(node.get("prefixItems"), list):
        return _tuple_item(path[1:], node["prefixItems"])
    return None


def _choice(rest: Path, node: Mapping[str, Any]) -> Step | None:
    choices = list(_choices(node))
    if chosen := _nth(choices, rest):
        return chosen, 2
    if "anyOf" in node or choices:
        return (("anyOf",) if "anyOf" in node else choices[0][:1]), 1
    merged = {"$ref", "allOf"} & node.keys() and not (set(rest[1:2]) <= node.keys())
    return ((), 2) if rest[:1] == ("0",) and not merged else None


def _tuple_item(rest: Path, items: list[Any]) -> Step:
    """Find the item of a tuple; the strict form chooses between those that differ."""
    bare = [_bare(item) for item in items]
    differing = [("prefixItems", str(n)) for n, item in enumerate(bare) if item not in bare[:n]]
    chosen = _nth(differing, rest[1:]) if rest[:1] == ("anyOf",) and len(differing) > 1 else None
    return (chosen, 3) if chosen else (("prefixItems", "0"), 1)


def _nth(places: Sequence[Path], rest: Path) -> Path | None:
    index = int(rest[0]) if rest and rest[0].isdigit() else len(places)
    return places[index] if index < len(places) else None


def _choices(node: Mapping[str, Any]) -> Iterator[Path]:
    """Give the places of all choices; the strict form has those within a choice beside the others."""
    name = next((name for name in CHOICES if isinstance(node.get(name), list)), None)
    for index, branch in enumerate(node[name] if name else ()):
        yield from _apart((str(name), str(index)), branch)


def _apart(place: Path, branch: Any) -> Iterator[Path]:
    words = list(_bare(branch)) if isinstance(branch, Mapping) else []
    if words == ["allOf"] and len(branch["allOf"]) == 1:
        yield from _apart((*place, "allOf", "0"), _inside(branch, ("allOf", "0")))
        return
    within = list(_choices(branch)) if len(words) == 1 else []
    yield from [(*place, *inner) for inner in within] or [place]


def _bare(node: Any) -> Any:
    if not isinstance(node, Mapping):
        return node
    return {name: part for name, part in node.items() if not is_annotation(name)}


def _inside(node: Any, steps: Path) -> Any:
    for step in steps:
        if isinstance(node, list):
            node = node[int(step)] if step.isdigit() and int(step) < len(node) else None
        else:
            node = node.get(step) if isinstance(node, Mapping) else None
    return node
