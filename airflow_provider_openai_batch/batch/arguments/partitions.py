"""A source cut into partitions: each row is in one of them, whatever the order or the types of the bounds."""

from __future__ import annotations

import math
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Airflow keeps so many characters of the name of a mapped task.
LONGEST_NAME = 250
#: What a query is called that a condition was added to.
ALIAS = "partition_of"
#: What begins another language within a text: Airflow's templates, and escapes of some databases.
UNSAFE = ("{{", "{%", "{#", "\\", "\0")


def by_values(source: Mapping[str, Any], column: str, values: Iterable[object]) -> list[dict[str, Any]]:
    """Give one source for each value; None is NULL. Rows with other values are in none."""
    unique = list(dict.fromkeys(values))
    _check_apart([value for value in unique if isinstance(value, str)])
    name = _term(column)
    return [
        _where(source, f"{name} IS NULL" if value is None else f"{name} = {literal(value)}")
        for value in unique
    ]


def by_bounds(source: Mapping[str, Any], column: str, bounds: Iterable[object]) -> list[dict[str, Any]]:
    """Give a source for what is below the first bound, between two bounds, and from the last one on.

    The first one has the NULLs, too.
    """
    cuts = _ascending(dict.fromkeys(bounds))
    if not cuts:
        return [dict(source)]
    name = _term(column)
    # The order of texts is the database's: a part is told apart from all that follow it.
    reach = len(cuts) if isinstance(cuts[0], str) else 1
    parts = [" AND ".join(f"{name} < {literal(cut)}" for cut in cuts[:reach])]
    parts = [f"({parts[0]} OR {name} IS NULL)"]
    for index, cut in enumerate(cuts):
        later = cuts[index + 1 : index + 1 + reach]
        parts.append(" AND ".join([f"{name} >= {literal(cut)}", *(f"{name} < {literal(c)}" for c in later)]))
    return [_where(source, part) for part in parts]


def partition_name(source: object) -> str:
    """Name the part of the rows that a source reads: its condition, parameters, files, or table."""
    if not isinstance(source, dict):
        return ""
    _, added, condition = str(source.get("sql")).rpartition(f"\n) {ALIAS} WHERE ")
    if added:
        return condition[:LONGEST_NAME]
    found = next(
        (source[key] for key in ("where", "parameters", "op_kwargs", "path", "table") if source.get(key)), ""
    )
    if isinstance(found, dict):
        found = ", ".join(f"{name}={value}" for name, value in found.items())
    return str(found)[:LONGEST_NAME]


def literal(value: object) -> str:
    """Write a value as SQL that all databases read alike."""
    match value:
        case bool():
            return str(value).upper()
        case float() | int() | Decimal() if math.isfinite(value):
            return format(value, "f") if isinstance(value, Decimal) else repr(value)
        case datetime():
            return f"'{value.isoformat(sep=' ')}'"
        case date() | UUID():
            return f"'{value}'"
        case str() if not any(mark in value for mark in UNSAFE):
            return "'{}'".format(value.replace("'", "''"))
    raise InvalidRequest(
        f"A partition cannot be selected by this value of type {type(value).__name__}; give a number, a "
        "date, a UUID, or a text without backslashes and template braces."
    )


def _ascending(bounds: Iterable[Any]) -> Sequence[Any]:
    """Sort what Python and the database sort alike; texts keep their order."""
    cuts = list(bounds)
    if None in cuts:
        raise InvalidRequest("A bound is None; rows with NULL are in the first partition already.")
    if any(isinstance(cut, str | UUID) for cut in cuts):
        return [str(cut) for cut in cuts]
    try:
        return sorted(cuts)
    except TypeError:
        kinds = ", ".join(sorted({type(cut).__name__ for cut in cuts}))
        raise InvalidRequest(f"The bounds are of different types ({kinds}); give one type.") from None


def _check_apart(texts: Sequence[str]) -> None:
    """Refuse texts that some databases take for the same: their rows would be asked twice."""
    if len({_folded(text) for text in texts}) < len(texts):
        raise InvalidRequest(
            "Two values differ only by case, accents, or spaces at the end: a database may treat them as "
            "equal, and their rows would be sent twice. Give one of them."
        )


def _folded(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.rstrip())
    return "".join(part for part in parts if not unicodedata.combining(part)).casefold()


def _term(column: str) -> str:
    return column if column.replace("_", "").isalnum() else f"({column})"


def _where(source: Mapping[str, Any], condition: str) -> dict[str, Any]:
    """Add a condition to the source's own."""
    if source.get("sql") is None:
        own = source.get("where")
        return {**source, "where": f"{condition} AND (\n{own}\n)" if own else condition}
    if source.get("parameters") and "%" in condition:
        raise InvalidRequest(
            "With source['parameters'], a partition takes no '%': write `mod(id, 8)`, or no parameters."
        )
    own = source["sql"].strip().rstrip(";").rstrip()
    return {**source, "sql": f"SELECT * FROM (\n{own}\n) {ALIAS} WHERE {condition}"}  # noqa: S608  (the user's)
