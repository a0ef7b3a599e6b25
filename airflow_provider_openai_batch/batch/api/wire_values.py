"""Reads plain values of a server's JSON; anything else is None."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from airflow_provider_openai_batch.batch.text.server_words import shown

YEAR_5138 = 1e11
FLAGS = {"true": True, "1": True, "false": False, "0": False}


def read_id(value: object) -> str | None:
    """Take an id, whatever is in it; some servers count their batches and files."""
    is_word = isinstance(value, (str, int)) and not isinstance(value, bool)
    return shown(str(value)) if is_word and value != "" else None


def read_flag(value: object) -> bool | None:
    """Take a yes or no, also as a word or a digit."""
    return FLAGS.get(str(value).strip().lower()) if isinstance(value, bool | int | str) else None


def read_text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def read_number(value: object) -> float | None:
    """Take a positive finite number, or the digits of one."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def read_seconds(value: object) -> float | None:
    """Read a time; zero is how some servers write that there is none."""
    number = read_number(value)
    if number is None and isinstance(value, str):
        number = read_number(_instant(value))
    while number is not None and number > YEAR_5138:
        number /= 1000  # milliseconds, or even smaller parts
    return number


def _instant(text: str) -> float | None:
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def read_count(value: object) -> int | None:
    if str(value) in {"0", "0.0"}:
        return 0
    number = read_number(value)
    return int(number) if number is not None and number.is_integer() else None
