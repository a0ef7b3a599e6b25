"""Which types of a database take which of ours."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import SqlglotError

from airflow_provider_openai_batch.tables.types import arrow_types, sql_types

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
#: Types of pgvector that a list of numbers is assigned to.
VECTOR = re.compile(r'(?:[^.]+\.)?"?(vector|halfvec)"?(?:\((\d+)\))?')


def assignable(field: pa.Field, kind: str, dialect: str, *, from_text: bool = False) -> bool:
    """Tell whether the target's type holds our values; types that sqlglot does not know are trusted."""
    if arrow_types.logical(field) == "unknown":
        return True
    text_only = sql_types.generic_type(field) == "text" and not from_text
    # An integer that 64 bits with a sign do not hold becomes a float in a column of numbers.
    if dialect == "sqlite" and (not kind or text_only or pa.types.is_uint64(field.type)):
        return keeps_text(kind)
    if dialect == "postgres" and VECTOR.fullmatch(kind):
        return arrow_types.is_list(field.type) and _is_number(field.type.value_type)
    theirs = family(kind, dialect)
    ours = family(sql_types.generic_type(field), "")
    if theirs is None or ours is None or (from_text and ours == "text"):
        return True
    if dialect == "sqlite":
        return theirs in SQLITE_ACCEPTS.get(ours, ACCEPTS[ours] | {"text"})
    accepted = ACCEPTS[ours] | (MYSQL_ACCEPTS.get(ours, set()) if dialect == "mysql" else set())
    return theirs in accepted or (theirs == "text" and ours not in NO_TEXT)


#: MySQL has neither booleans nor arrays; MariaDB's JSON is text.
MYSQL_ACCEPTS = {"bool": {"int"}, "list": {"json", "text"}}


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


#: SQLite keeps what has no storage class of its own as text, whatever the column is declared as.
SQLITE_ACCEPTS = {
    "bool": {"bool", "int", "decimal"},
    "bytes": {"bytes"},
    "list": {"text", "json", "list"},
    "date": {"text", "date", "timestamp"},
    "timestamp": {"text", "date", "timestamp"},
}


#: SQLite's own rules for the affinity of a declared type, in their order; NUMERIC holds anything.
AFFINITIES = ((r"INT", "int"), (r"CHAR|CLOB|TEXT", "text"), (r"BLOB", "bytes"), (r"REAL|FLOA|DOUB", "float"))


def affinity(declared_type: str) -> str | None:
    """Name the kind that a declared type of SQLite stands for; None where it may hold anything."""
    found = (kind for pattern, kind in AFFINITIES if re.search(pattern, declared_type.upper()))
    return next(found, None)


def keeps_text(kind: str) -> bool:
    """Tell whether SQLite keeps `007` in a column as it is; NUMERIC and its like make it a number."""
    return not kind or affinity(kind) in {"text", "bytes"}


@lru_cache(maxsize=1024)  # a check asks of a few types hundreds of times
def parsed(name: str, dialect: str) -> exp.DataType | None:
    """Read a type as the database writes it, or one of ours without a dialect; None if unknown."""
    try:
        return exp.DataType.build(name, dialect=dialect) if dialect else sql_types.of_generic(name)
    except (SqlglotError, ValueError):
        return None


def family(name: str, dialect: str) -> str | None:
    """Name the family of a type; None when it is not one of the common ones."""
    kind = parsed(name, dialect)
    if kind is None:
        return None
    if kind.this in {exp.DataType.Type.ARRAY, exp.DataType.Type.LIST}:
        return "list"
    return next((family for family, members in FAMILIES.items() if kind.this in members), None)


_T = exp.DataType.Type
FAMILIES: dict[str, Any] = {
    "uuid": {_T.UUID},
    "json": {_T.JSON, _T.JSONB},
    "bool": {_T.BOOLEAN},
    "decimal": {_T.DECIMAL, _T.UDECIMAL, _T.BIGDECIMAL, _T.MONEY},
    "float": {_T.FLOAT, _T.DOUBLE, _T.UDOUBLE},
    "date": {_T.DATE, _T.DATE32},
    "timestamp": {_T.DATETIME, _T.TIMESTAMP, _T.TIMESTAMPTZ, _T.TIMESTAMPLTZ, _T.TIMESTAMPNTZ, _T.TIMESTAMP_S,
                  _T.TIMESTAMP_MS, _T.TIMESTAMP_NS},
    "time": {_T.TIME, _T.TIMETZ},
    "bytes": {_T.BINARY, _T.VARBINARY, _T.BLOB, _T.TINYBLOB, _T.MEDIUMBLOB, _T.LONGBLOB},
    "text": exp.DataType.TEXT_TYPES,
    "int": exp.DataType.INTEGER_TYPES,
}  # fmt: skip
