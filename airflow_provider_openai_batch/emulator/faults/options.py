"""The options of a fault, checked by their defaults before anything is served."""

from __future__ import annotations

import math
from typing import Any

#: Options that are none, or a number from 0 on.
COUNTS = ("times", "seconds")
SHARES = ("share", "probability")
#: Options that servers also write as numbers.
CODES = ("code", "param")
STATUSES = range(100, 1_000)


def check_options(name: str, options: dict[str, Any], defaults: dict[str, Any]) -> None:
    """Raise ValueError for the first value that the fault could not use."""
    for option, value in options.items():
        wanted = _wanted(option, value, defaults[option])
        if wanted is not None:
            raise ValueError(f"Fault {name!r}: {option} is {ascii(value)[:100]}; give {wanted}.")


def _wanted(option: str, value: Any, default: Any) -> str | None:
    """Say what an option takes; None where the value is that."""
    if option in COUNTS:
        return (
            None if value is None or (_is_number(value) and value >= 0) else "0 or more, or null for no end"
        )
    if option in SHARES:
        return None if _is_number(value) and 0 <= value <= 1 else "a share from 0 (none) to 1 (all)"
    if option == "status" and isinstance(default, int):
        is_status = isinstance(value, int) and not isinstance(value, bool) and value in STATUSES
        return None if is_status else "a status of HTTP"
    if option in CODES and _is_number(value):
        return None
    return _of_type(value, default)


def _of_type(value: Any, default: Any) -> str | None:
    kinds: dict[type, str] = {bool: "true or false", list: "an array", dict: "an object"}
    if type(default) in kinds:
        return None if type(value) is type(default) else kinds[type(default)]
    if isinstance(default, int | float):
        return None if _is_number(value) else "a number"
    if isinstance(default, str):
        return None if value is None or isinstance(value, str) else "a string"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
