"""How long an API asks to be left alone."""

from __future__ import annotations

import math
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import openai

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A server that asks for more than the life of a batch does not mean it.
LONGEST = 86_400.0


def rest_after(error: Exception) -> float:
    """Return the seconds that an error answer asks for by `Retry-After`; 0 where it asks for none."""
    if not isinstance(error, openai.APIStatusError):
        return 0.0
    seconds = _seconds(error.response.headers)
    return min(seconds, LONGEST) if seconds > 0 else 0.0


def _seconds(headers: Mapping[str, str]) -> float:
    """Read seconds or a date; a date counts from the answer's own."""
    told = headers.get("retry-after", "")
    try:
        seconds = float(told)
    except ValueError:
        try:
            return (parsedate_to_datetime(told) - parsedate_to_datetime(headers["date"])).total_seconds()
        except (ValueError, TypeError, KeyError):
            return 0.0
    return 0.0 if math.isnan(seconds) else seconds
