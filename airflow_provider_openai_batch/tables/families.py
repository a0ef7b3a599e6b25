"""Which types of a database take which of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp
from sqlglot.errors import SqlglotError

from airflow_provider_openai_batch.tables import types

if TYPE_CHECKING:
    import pyarrow as pa

#: Which family of types takes which other, beside itself and text.
ACCEPTS = {
    "int": {"int", "decimal", "float"},
    "float": {"float", "decimal"},
    "decimal": {"decimal", "float"},
    "bool": {"bool"},
    "date": {"date", "timestamp"},
    "timestamp": {"timestamp"},
    "time": {"time"},
    "text": {"text"},
    "uuid": {"uuid"},
    "json": {"json"},
    "bytes": {"bytes"},
    "list": {"list"},
}
NO_TEXT = frozenset({"bytes", "list", "text"})


def assignable(field: pa.Field, kind: str, dialect: str, *, from_text: bool = False) -> bool:
    """Tell whether the target's type holds our values; types that sqlglot does not know are trusted."""
    if types.logical(field) == "unknown":
        return True
    theirs = family(kind, dialect)
    ours = family(types.generic_type(field), "")
    if theirs is None or ours is None or (from_text and ours == "text"):
        return True
    if dialect == "sqlite":
        return theirs in SQLITE_ACCEPTS.get(ours, ACCEPTS[ours] | {"text"})
    return theirs in ACCEPTS[ours] or (theirs == "text" and ours not in NO_TEXT)


#: SQLite keeps what has no storage class of its own as text, whatever the column is declared as.
SQLITE_ACCEPTS = {
    "bool": {"bool", "int", "decimal"},
    "bytes": {"bytes"},
    "list": {"text", "json", "list"},
    "date": {"text", "date", "timestamp"},
    "timestamp": {"text", "date", "timestamp"},
}


def family(name: str, dialect: str) -> str | None:
    """Name the family of a type; None when it is not one of the common ones."""
    try:
        kind = exp.DataType.build(name, dialect=dialect or None)
    except (SqlglotError, ValueError):
        return None
    if kind.this in {exp.DataType.Type.ARRAY, exp.DataType.Type.LIST}:
        return "list"
    return next((family for family, members in FAMILIES.items() if kind.this in members), None)


_T = exp.DataType.Type
FAMILIES: dict[str, Any] = {
    "uuid": {_T.UUID},
    "json": {_T.JSON, _T.JSONB},
    "bool": {_T.BOOLEAN},
    "decimal": {_T.DECIMAL, _T.BIGDECIMAL, _T.MONEY},
    "float": {_T.FLOAT, _T.DOUBLE},
    "date": {_T.DATE, _T.DATE32},
    "timestamp": {_T.DATETIME, _T.TIMESTAMP, _T.TIMESTAMPTZ, _T.TIMESTAMPLTZ, _T.TIMESTAMPNTZ, _T.TIMESTAMP_S,
                  _T.TIMESTAMP_MS, _T.TIMESTAMP_NS},
    "time": {_T.TIME, _T.TIMETZ},
    "bytes": {_T.BINARY, _T.VARBINARY, _T.BLOB},
    "text": exp.DataType.TEXT_TYPES,
    "int": exp.DataType.INTEGER_TYPES,
}  # fmt: skip
