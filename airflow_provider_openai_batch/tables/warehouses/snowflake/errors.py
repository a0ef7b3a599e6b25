"""What an error of Snowflake means: its text where that quotes no values, and whether a retry may help."""

from __future__ import annotations

import re

from airflow_provider_openai_batch.tables.errors import LEFT_OUT, Failure, Place

#: The server's errors from here on are about values, and quote them.
VALUES = range(100_000, 200_000)
NULL_REFUSED = 100_072
IS_THERE = 2002
#: Errors that a retry may get past: timeouts, cancelled statements, locks, suspended warehouses.
PASSING = frozenset({603, 604, 606, 607, 608, 610, 625, 628, 630, 90_073, 390_114, 390_195})
PLACE = re.compile(r"error line (\d+) at position (\d+)")
SHOWN = 600


def number(error: BaseException) -> int | None:
    """Give the number of an error of Snowflake's driver; None if it is none."""
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
    if "snowflake.Error" not in kinds:
        return None
    found = getattr(error, "errno", None)
    return found if isinstance(found, int) else -1


def explain(error: Exception) -> Failure | None:
    """Explain an error of Snowflake; the texts of errors that quote values are left out."""
    found = number(error)
    if found is None:
        return None
    text = " ".join(str(getattr(error, "raw_msg", None) or error).split())[:SHOWN]
    place = PLACE.search(text)
    shown = f"{type(error).__name__} ({LEFT_OUT})" if found in VALUES and found != NULL_REFUSED else text
    is_lasting = isinstance(error, _lasting(error)) and found not in PASSING
    return Failure(
        f"Snowflake: {shown.rstrip('.')} (error {found}).",
        lasting=is_lasting,
        place=Place(int(place[1]), int(place[2]) + 1) if place else None,
    )


def _lasting(error: Exception) -> type[BaseException] | tuple[()]:
    """Name the class of errors that a retry meets again, without an import of the driver."""
    names = {"ProgrammingError", "IntegrityError", "DataError", "NotSupportedError"}
    return next((kind for kind in type(error).__mro__ if kind.__name__ in names), ())
