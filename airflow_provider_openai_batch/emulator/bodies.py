"""The body of a request, parsed and checked as the API words it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from airflow_provider_openai_batch.emulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from msgspec import Raw

Asked = TypeVar("Asked", bound=msgspec.Struct)
UNPARSEABLE = "We could not parse the JSON body of your request."


def parse(
    decoder: msgspec.json.Decoder[Asked], body: bytes | Raw, moved: Mapping[str, str] | None = None
) -> Asked:
    """A body by its type; `moved` says where the parameters of another endpoint have gone."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), moved or {}) from None
    except (msgspec.DecodeError, RecursionError):
        raise ApiError(400, UNPARSEABLE) from None


def _refusal(text: str, moved: Mapping[str, str]) -> ApiError:
    at = re.search(r"\$\.([\w.]+)", text)
    place = at[1] if at else ""
    if unknown := re.search(r"unknown field `(.*?)`", text):
        name = f"{place}.{unknown[1]}".lstrip(".")
        if name in moved:
            message = f"Unsupported parameter: '{name}'. {moved[name]}"
            return ApiError(400, message, code="unsupported_parameter", param=name)
        return ApiError(400, f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)
    return wrong_type(place or "body", text.partition(" - ")[0].lower())


def wrong_type(name: str, expected: str) -> ApiError:
    """A parameter of the wrong type."""
    return ApiError(400, f"Invalid type for '{name}': {expected}.", code="invalid_type", param=name)


def wrong_value(name: str, value: Any, supported: Iterable[str]) -> ApiError:
    """A value that is none of those that exist."""
    names = ", ".join(f"'{one}'" for one in supported)
    text = f"Invalid value: '{value}'. Supported values are: {names}."
    return ApiError(400, text, code="invalid_value", param=name)


def empty_array(name: str) -> ApiError:
    """An array that needs an item."""
    text = f"Invalid '{name}': empty array. Expected an array with minimum length 1."
    return ApiError(400, text, code="empty_array", param=name)


def too_long_array(name: str, most: int, length: int) -> ApiError:
    """An array of too many items."""
    text = (
        f"Invalid '{name}': array too long. Expected an array with maximum length {most}, "
        f"but got an array with length {length} instead."
    )
    return ApiError(400, text, code="array_above_max_length", param=name)


def check_bounds(asked: msgspec.Struct, bounds: Iterable[tuple[str, float, float | None]]) -> None:
    """Refuse the first number that is out of its bounds; null is not given."""
    for name, low, high in bounds:
        value = getattr(asked, name)
        if value is None:
            continue
        if value < low:
            raise _out_of_bounds(name, value, "below minimum", f">= {low}")
        if high is not None and value > high:
            raise _out_of_bounds(name, value, "above maximum", f"<= {high}")


def _out_of_bounds(name: str, value: float, side: str, bound: str) -> ApiError:
    kind = "integer" if isinstance(value, int) else "decimal"
    text = f"Invalid '{name}': {kind} {side} value. Expected a value {bound}, but got {value} instead."
    code = f"{kind}_{side.replace('imum', '').replace(' ', '_')}_value"
    return ApiError(400, text, code=code, param=name)
