"""How long an API asks to be left alone: its `Retry-After`, in seconds or as an HTTP date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.api_time import date_of, http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A server that asks for more than the life of a batch does not mean it.
LONGEST = 86_400.0


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks for; None where it asks for none, or is not readable.

    A date counts from the answer's own `Date`, whatever this machine's clock says.
    """
    text = headers.get("retry-after") or ""
    try:
        seconds = float(text)
    except ValueError:
        until, now = http_date(text), date_of(headers)
        seconds = 0.0 if until is None or now is None else until - now
    return min(seconds, LONGEST) if seconds > 0 else None
