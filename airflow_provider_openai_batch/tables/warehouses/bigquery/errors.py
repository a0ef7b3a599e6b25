"""What an error of BigQuery means: its text where that quotes no values, and whether a retry may help."""

from __future__ import annotations

import re

from airflow_provider_openai_batch.tables.errors import LEFT_OUT, Failure, Place

#: Where an error of the statement itself is; errors about values name no place.
PLACE = re.compile(r"at \[(\d+):(\d+)\]")
#: What a retry may get past, although the status says that the request is wrong.
PASSING = re.compile(
    r"rate ?limit|quotaExceeded|concurrent|aborted|backendError|jobRateLimit|try again|resourcesExceeded",
    re.IGNORECASE,
)
BAD_REQUEST, REFUSED = 400, range(400, 500)
TOO_MANY = 429
SHOWN = 400


def status(error: BaseException) -> int | None:
    """Give the HTTP status of an error of Google's client; None if it is none."""
    names = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}
    if "google.api_core.exceptions.GoogleAPICallError" not in names:
        return None
    return int(getattr(error, "code", None) or 500)


def explain(error: Exception) -> Failure | None:
    """Explain an error of BigQuery; the texts of errors that may quote values are left out."""
    found = status(error)
    if found is None:
        return None
    text = " ".join(str(getattr(error, "message", None) or error).split())[:SHOWN]
    place = PLACE.search(text)
    is_about_values = found == BAD_REQUEST and place is None
    shown = f"{type(error).__name__} ({LEFT_OUT})" if is_about_values else text
    return Failure(
        f"BigQuery: {shown.rstrip('.')} (status {found}).",
        lasting=found in REFUSED and found != TOO_MANY and not PASSING.search(text),
        place=Place(int(place[1]), int(place[2])) if place else None,
    )


def is_absent(error: BaseException) -> bool:
    """Tell whether BigQuery says that there is no such thing."""
    return status(error) == 404  # noqa: PLR2004
