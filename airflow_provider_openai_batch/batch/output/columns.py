"""The column that a property of a JSON schema becomes, and how its values are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pyarrow as pa

from airflow_provider_openai_batch.batch.output.strict_build import resolve
from airflow_provider_openai_batch.batch.text.lenient_json import encode
from airflow_provider_openai_batch.exceptions import InvalidRequest

Reader = Callable[[Any], Any]
JSON = "json"
MOMENTS = frozenset({"date", "date-time", "uuid"})
INT64 = range(-(2**63), 2**63)


class InvalidValue(Exception):
    """A value fits its schema but not its column."""


def column_of(name: str, node: object, root: Mapping[str, Any]) -> tuple[pa.Field, Reader]:
    """Make the column of a property: its field, and the function that reads a value that is not null."""
    if not name:
        raise InvalidRequest("output_type has a property without a name; each property becomes a column.")
    kind = _kind(node, root)
    if kind.endswith("[]"):
        item, read = _SCALARS[kind.removesuffix("[]")]
        count = _count(node, root)
        counted = None if count is None else {"items": str(count)}
        return pa.field(name, pa.list_(item), metadata=counted), _named(name, _list_reader(read))
    column, read = _SCALARS[kind]
    logical = {"logical": kind} if kind in {JSON, "uuid"} else {}
    words = _words(_resolved(node, root)) if kind == "string" else None
    stated = {} if words is None else {"words": encode(words)}
    return pa.field(name, column, metadata=logical | stated or None), _named(name, read)


def _kind(node: object, root: Mapping[str, Any], seen: tuple[str, ...] = ()) -> str:
    if not isinstance(node, Mapping):
        return JSON
    ref = node.get("$ref")
    if isinstance(ref, str):
        return JSON if ref in seen else _kind(resolve(root, ref), root, (*seen, ref))
    for several in ("anyOf", "oneOf", "allOf"):
        if several in node:
            branches = [branch for branch in node[several] if branch != {"type": "null"}]
            return _kind(branches[0], root, seen) if len(branches) == 1 else JSON
    return _typed(node, root, seen)


def _resolved(node: object, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find what a property is, beyond references and the choice of null."""
    while isinstance(node, Mapping):
        several = next((name for name in ("anyOf", "oneOf", "allOf") if name in node), None)
        if isinstance(node.get("$ref"), str):
            node = resolve(root, node["$ref"])
        elif several is not None:
            node = next((branch for branch in node[several] if branch != {"type": "null"}), None)
        else:
            return node
    return {}


def _words(node: Mapping[str, Any]) -> list[str] | None:
    """List the texts that a property may be, where its schema lists them."""
    values = node.get("enum", [node["const"]] if "const" in node else None)
    return None if values is None else [value for value in values if isinstance(value, str)]


def _count(node: object, root: Mapping[str, Any]) -> int | None:
    """Count the items of a list, where its schema fixes it."""
    shape = _resolved(node, root)
    most = shape.get("maxItems")
    return most if isinstance(most, int) and most == shape.get("minItems") else None


def _typed(node: Mapping[str, Any], root: Mapping[str, Any], seen: tuple[str, ...]) -> str:
    match [kind for kind in _types(node) if kind != "null"]:
        case ["string"]:
            plain = "enum" in node or "const" in node or node.get("format") not in MOMENTS
            return "string" if plain else str(node["format"])
        case ["array"] if "prefixItems" not in node:
            item = _kind(node.get("items"), root, seen)
            item = "string" if item in MOMENTS else item
            return JSON if item == JSON or item.endswith("[]") else f"{item}[]"
        case ["integer" | "number" | "boolean" as scalar]:
            return scalar
    return JSON


def _types(node: Mapping[str, Any]) -> list[str]:
    kind = node.get("type")
    if kind is not None:
        return [str(part) for part in kind] if isinstance(kind, list) else [str(kind)]
    values = node.get("enum", [node["const"]] if "const" in node else [])
    return sorted({_type_of(value) for value in values})


def _type_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int():
            return "integer"
        case float():
            return "number"
    return "object"


def _string(value: str) -> str:
    return value


def _boolean(value: bool) -> bool:
    return value


def _integer(value: float) -> int:
    whole = int(value)  # a range is searched in one step for an int only
    if whole not in INT64:
        raise InvalidValue("is an integer beyond 64 bits")
    return whole


def _number(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidValue("is a number beyond double precision")
    return number


def _date(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise InvalidValue("is not a date") from error


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value.upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidValue("is not a date and time") from error


def _uuid(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError as error:
        raise InvalidValue("is not a UUID") from error


_SCALARS: dict[str, tuple[pa.DataType, Reader]] = {
    "string": (pa.string(), _string),
    "integer": (pa.int64(), _integer),
    "number": (pa.float64(), _number),
    "boolean": (pa.bool_(), _boolean),
    "date": (pa.date32(), _date),
    "date-time": (pa.timestamp("us", tz="UTC"), _moment),
    "uuid": (pa.string(), _uuid),
    JSON: (pa.string(), encode),
}


def _list_reader(read: Reader) -> Reader:
    def read_all(values: Iterable[Any]) -> list[Any]:
        return [None if value is None else read(value) for value in values]

    return read_all


def _named(name: str, read: Reader) -> Reader:
    def read_named(value: Any) -> Any:
        try:
            return read(value)
        except InvalidValue as error:
            raise InvalidValue(f"{name} {error}.") from error

    return read_named
