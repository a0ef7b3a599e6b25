"""A type that decodes answers into their values, and takes nothing that their schema does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec

from airflow_provider_openai_batch.batch.output.strict_build import resolve

#: Keywords that ask nothing of an answer.
SILENT = frozenset({"description", "title", "examples", "default", "$comment"})
ROOT = SILENT | {"type", "properties", "required", "additionalProperties", "$defs"}
#: Names that msgspec does not take.
ESCAPED = re.compile(r'["\\\x00-\x1f]')
INT64 = msgspec.Meta(ge=-(2**63), le=2**63 - 1)
SCALARS = {"string": str, "integer": Annotated[int, INT64], "number": float, "boolean": bool}
NULL = {"type": "null"}
DEEPEST = 8


class QuickType:
    """Decodes a text of JSON to a struct with a value for each property.

    `decode` raises where an answer does not fit, and where it may fit by a rule that msgspec does not know:
    whoever calls it asks the validator then.
    """

    def __init__(self, kinds: Mapping[str, Any]) -> None:
        #: The fields of the struct, in the order of the properties.
        self.names = [f"c{place}" for place in range(len(kinds))]
        struct = msgspec.defstruct(
            "Values",
            list(zip(self.names, kinds.values(), strict=True)),
            rename=dict(zip(self.names, kinds, strict=True)),
            forbid_unknown_fields=True,
            gc=False,
        )
        self.decode: Callable[[str], Any] = msgspec.json.Decoder(struct).decode


def quick_type(schema: Mapping[str, Any]) -> QuickType | None:
    """Return the type of a schema; None for one of more than plain values."""
    if (
        schema.keys() - ROOT
        or schema.get("type") != "object"
        or schema.get("additionalProperties") is not False
    ):
        return None
    kinds = {name: _type_of(node, schema) for name, node in schema["properties"].items()}
    if None in kinds.values() or set(schema.get("required", ())) != set(kinds):
        return None
    return None if any(ESCAPED.search(name) for name in kinds) else QuickType(kinds)


def _type_of(node: object, root: Mapping[str, Any], depth: int = 0) -> Any:
    """Return the type of a property; None where a value needs a closer look."""
    if not isinstance(node, Mapping) or depth > DEEPEST:
        return None
    asked = {name: part for name, part in node.items() if name not in SILENT}
    match list(asked), list(asked.values()):
        case ["$ref"], [str(ref)]:
            return _type_of(resolve(root, ref), root, depth + 1)
        case ["anyOf"], [[one, other]] if NULL in (one, other):
            return _or_null(_type_of(one if other == NULL else other, root, depth + 1))
        case ["items", "type"] | ["type", "items"], parts if "array" in parts:
            return _list_of(_type_of(asked["items"], root, depth + 1))
    return _scalar(asked)


def _scalar(asked: Mapping[str, Any]) -> Any:
    """Return the type of a plain value, of which nothing more is asked."""
    names = asked.keys()
    if names == {"type", "enum"} and asked["type"] == "string":
        return _one_of(asked["enum"])
    if names == {"type", "const"} and asked["type"] == "string":
        return _one_of([asked["const"]])
    if names != {"type"}:
        return None
    match asked["type"]:
        case str(kind):
            return SCALARS.get(kind)
        case [str(kind), "null"] | ["null", str(kind)]:
            return _or_null(SCALARS.get(kind))
    return None


def _or_null(kind: Any) -> Any:
    return None if kind is None else kind | None


def _one_of(words: list[Any]) -> Any:
    return Literal[tuple(words)] if words and all(isinstance(word, str) for word in words) else None


def _list_of(kind: Any) -> Any:
    """Return the type of a list of plain values; one of lists is JSON in its column."""
    is_list = getattr(kind, "__origin__", None) is tuple
    # The garbage collector lets a tuple of plain values go, and never a list.
    return None if kind is None or is_list else tuple[kind, ...]
