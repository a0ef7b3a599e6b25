"""What is wrong with a body, by the type that it should have, in the words of the API."""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
from msgspec import Meta, UnsetType
from msgspec.structs import fields

from airflow_provider_openai_batch.emulator.errors import ApiError, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Unknown: TypeAlias = "Callable[[dict[str, Any], list[str]], ApiError]"
NO_LIMITS = Meta()
#: Each type of a parameter: the types of its values, and how an error names it.
PLAIN: dict[Any, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "a boolean"),
    int: ((int,), "an integer"),
    float: ((int, float), "a decimal"),
    str: ((str,), "a string"),
}
GIVEN = {
    NoneType: "null", bool: "a boolean", int: "an integer", float: "a decimal number", str: "a string",
    dict: "an object",
}  # fmt: skip


def enumerated(names: Iterable[str], word: str) -> str:
    """Quoted names in one phrase, the last after `and` or `or`."""
    *head, last = (f"'{name}'" for name in names)
    if not head:
        return last
    return f"{', '.join(head)}{',' if len(head) > 1 else ''} {word} {last}"


def wrong_type(name: str, expected: str, given: Any) -> ApiError:
    """A parameter of the wrong type."""
    kind = GIVEN.get(type(given)) or ("an array" if given else "an empty array")
    text = f"Invalid type for '{name}': {expected}, but got {kind} instead."
    return ApiError(400, text, code="invalid_type", param=name)


def wrong_value(name: str, value: Any, supported: Iterable[str]) -> ApiError:
    """A value that is none of those that exist."""
    if not isinstance(value, str):
        return wrong_type(name, f"expected one of {enumerated(supported, 'or')}", value)
    text = f"Invalid value: '{value}'. Supported values are: {enumerated(supported, 'and')}."
    return ApiError(400, text, code="invalid_value", param=name)


def empty_array(name: str) -> ApiError:
    """An array that needs an item."""
    text = (
        f"Invalid '{name}': empty array. Expected an array with minimum length 1, "
        "but got an empty array instead."
    )
    return ApiError(400, text, code="empty_array", param=name)


def too_long_array(name: str, most: int, length: int) -> ApiError:
    """An array of too many items."""
    text = (
        f"Invalid '{name}': array too long. Expected an array with maximum length {most}, "
        f"but got an array with length {length} instead."
    )
    return ApiError(400, text, code="array_above_max_length", param=name)


def too_long_string(name: str, most: int, length: int) -> ApiError:
    """A text of too many characters."""
    text = (
        f"Invalid '{name}': string too long. Expected a string with maximum length {most}, "
        f"but got a string with length {length} instead."
    )
    return ApiError(400, text, code="string_above_max_length", param=name)


def out_of_bounds(
    name: str, value: float, *, low: float | None = None, high: float | None = None, kind: str = "integer"
) -> ApiError:
    """A number below its minimum, or above its maximum."""
    side, bound = ("below", f">= {low}") if low is not None else ("above", f"<= {high}")
    word = "min" if low is not None else "max"
    text = f"Invalid '{name}': {kind} {side} {word}imum value. Expected a value {bound}, "
    text += f"but got {value} instead."
    return ApiError(400, text, code=f"{kind}_{side}_{word}_value", param=name)


def unknown_parameter(_: dict[str, Any], names: list[str]) -> ApiError:
    """A parameter that does not exist."""
    return ApiError(400, f"Unknown parameter: '{names[0]}'.", code="unknown_parameter", param=names[0])


def explain(
    kind: type[msgspec.Struct], body: dict[str, Any], unknown: Unknown = unknown_parameter, within: str = ""
) -> ApiError | None:
    """The first fault of a body: a missing parameter, then an unknown one, then a wrong one."""
    known = _known(kind)
    if lacking := [name for name, required in known.items() if required and name not in body]:
        return missing(within + lacking[0])
    if names := [within + name for name in body if name not in known]:
        return unknown(body, names)
    hints = _hints(kind)
    return _first(_fault(within + name, hints[name], body[name]) for name in known if name in body)


@cache
def _known(kind: type[msgspec.Struct]) -> dict[str, bool]:
    """Return the parameters of a body, and whether each is required."""
    return {one.name: one.required for one in fields(kind)}


@cache
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _first(faults: Iterable[ApiError | None]) -> ApiError | None:
    return next(filter(None, faults), None)


def _alternatives(hint: Any) -> Iterator[tuple[Any, Meta]]:
    """The types of a hint, each with its limits."""
    if get_origin(hint) in (Union, UnionType):
        for part in get_args(hint):
            yield from _alternatives(part)
    elif get_origin(hint) is Annotated:
        base, limits = get_args(hint)[:2]
        yield from ((part, limits) for part, _ in _alternatives(base))
    elif hint is not UnsetType:
        yield hint, NO_LIMITS


def _fault(name: str, hint: Any, value: Any) -> ApiError | None:
    alternatives = list(_alternatives(hint))
    fitting = [(part, limits) for part, limits in alternatives if _fits(part, value)]
    if fitting:
        return _limited(name, *fitting[0], value)
    labels = (limits.description or _label(part) for part, limits in alternatives if part is not NoneType)
    # A type with two forms has one label.
    named = list(dict.fromkeys(labels))
    return wrong_type(name, f"expected {'one of ' * (len(named) > 1)}{' or '.join(named)}", value)


def _fits(part: Any, value: Any) -> bool:
    """Whether a value is of a type, whatever its limits are."""
    if part in PLAIN:
        return type(value) in PLAIN[part][0]
    if part is NoneType:
        return value is None
    if (origin := get_origin(part)) is list:
        return isinstance(value, list)
    if origin is Literal:
        return isinstance(value, str)
    return isinstance(value, dict) if origin is dict or _is_struct(part) else True


def _is_struct(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, msgspec.Struct)


def _label(part: Any) -> str:
    if part in PLAIN:
        return PLAIN[part][1]
    if get_origin(part) is Literal:
        return f"one of {enumerated(get_args(part), 'or')}"
    if get_origin(part) is not list:
        return "an object"
    ((item, _),) = _alternatives(get_args(part)[0])
    plural = {str: "strings", int: "integers"}.get(item, "objects")
    return f"an array of {_label(item) if get_origin(item) is Literal else plural}"


def _limited(name: str, part: Any, limits: Meta, value: Any) -> ApiError | None:
    """The fault of a value that is of the right type."""
    if isinstance(value, str):
        return _of_string(name, part, limits, value)
    if isinstance(value, list):
        return _of_array(name, part, limits, value)
    if isinstance(value, dict):
        return _of_object(name, part, limits, value)
    kind = "decimal" if part is float else "integer"
    if limits.ge is not None and value < limits.ge:
        return out_of_bounds(name, value, low=limits.ge, kind=kind)
    if limits.le is not None and value > limits.le:
        return out_of_bounds(name, value, high=limits.le, kind=kind)
    return None


def _of_string(name: str, part: Any, limits: Meta, value: str) -> ApiError | None:
    if get_origin(part) is Literal:
        return None if value in get_args(part) else wrong_value(name, value, get_args(part))
    most = limits.max_length
    return too_long_string(name, most, len(value)) if most and len(value) > most else None


def _of_array(name: str, part: Any, limits: Meta, value: list[Any]) -> ApiError | None:
    if limits.min_length and not value:
        return empty_array(name)
    if limits.max_length and len(value) > limits.max_length:
        return too_long_array(name, limits.max_length, len(value))
    (item,) = get_args(part) or (Any,)
    return _first(_fault(f"{name}[{at}]", item, one) for at, one in enumerate(value))


def _of_object(name: str, part: Any, limits: Meta, value: dict[str, Any]) -> ApiError | None:
    if _is_struct(part):
        return explain(part, value, within=f"{name}.")
    if limits.max_length and len(value) > limits.max_length:
        return _too_many(name, limits.max_length, len(value))
    key, item = get_args(part) or (str, Any)
    ((_, of_keys),) = _alternatives(key)
    most = of_keys.max_length
    long = (_long_name(name, one, most) for one in value if most and len(one) > most)
    return _first(long) or _first(_fault(f"{name}.{at}", item, one) for at, one in value.items())


def _too_many(name: str, most: int, count: int) -> ApiError:
    text = (
        f"Invalid '{name}': too many properties. Expected an object with at most {most} properties, "
        f"but got an object with {count} properties instead."
    )
    return ApiError(400, text, code="object_above_max_properties", param=name)


def _long_name(name: str, key: str, most: int) -> ApiError:
    text = (
        f"Invalid property name in '{name}': '{key[:3]}...{key[-3:]}' is too long. "
        f"Expected a string with maximum length {most}, but got a string with length {len(key)} instead."
    )
    return ApiError(400, text, code="property_name_above_max_length", param=f"{name}.{key}")
