"""Which types of a database take which of ours."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import SqlglotError

from airflow_provider_openai_batch.tables.dialect.dialect import STANDARD
from airflow_provider_openai_batch.tables.dialect.statements import Declared
from airflow_provider_openai_batch.tables.types import arrow_types, sql_types

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.plan import TargetColumn

#: What follows the type of the items in the type of a list.
ITEMS = re.compile(r"\[\d*\]$")
#: A type that has a plain name, in a schema or not, and a size or not.
SIZED = re.compile(r'(?:[^.]+\.)?"?(\w+)"?(?:\((?:\w+, *)?(\d+)\))?')


def vector_of(kind: str, dialect: Dialect) -> re.Match[str] | None:
    """Find the name and the size of a type of vectors; None if it is another type."""
    found = SIZED.fullmatch(kind)
    return found if found and found[1] in dialect.types.vectors else None


def assignable(field: pa.Field, kind: str, dialect: Dialect, *, from_text: bool = False) -> bool:
    """Tell whether the target's type holds our values; types that sqlglot does not know are trusted."""
    if arrow_types.logical(field) == "unknown":
        return True
    text_only = sql_types.generic_type(field) == "text" and not from_text
    keeps_text = dialect.types.keeps_text
    # An integer that 64 bits with a sign do not hold becomes a float in a column of numbers.
    if keeps_text is not None and (not kind or text_only or pa.types.is_uint64(field.type)):
        return keeps_text(kind)
    if vector_of(kind, dialect):
        return arrow_types.is_list(field.type) and _is_number(field.type.value_type)
    theirs = family(kind, dialect)
    ours = family(sql_types.generic_type(field), STANDARD)
    if theirs is None or ours is None or (from_text and ours == "text"):
        return True
    if theirs == ours == "list":
        return _takes_items(field.type.value_field, kind, dialect)
    return theirs in dialect.types.accepts[ours]


def _takes_items(item: pa.Field, kind: str, dialect: Dialect) -> bool:
    """Tell whether a type of lists takes such items; one that names none takes any."""
    found = parsed(kind, dialect)
    if found is not None and not found.expressions:
        return True
    items = ITEMS.sub("", kind)
    if items == kind and found is not None:
        items = found.expressions[0].sql(dialect.name)
    return assignable(item.with_metadata(None), items, dialect)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


@lru_cache(maxsize=1024)  # a check asks of a few types hundreds of times
def parsed(name: str, dialect: Dialect) -> exp.DataType | None:
    """Read a type as the database writes it, or one of ours as the standard does; None if unknown."""
    try:
        if dialect is STANDARD:
            return sql_types.of_generic(name)
        return exp.DataType.build(name, dialect=dialect.name)
    except (SqlglotError, ValueError):
        return None


@lru_cache(maxsize=1024)
def family(name: str, dialect: Dialect) -> str | None:
    """Name the family of a type; None when it is not one of the common ones."""
    kind = parsed(name, dialect)
    if kind is None:
        return None
    if kind.this in {exp.DataType.Type.ARRAY, exp.DataType.Type.LIST}:
        return "list"
    if dialect.types.whole_decimals and kind.this == _T.DECIMAL and not _places(kind):
        return "int"
    if kind.this in dialect.types.documents:
        return "json"
    return next((family for family, members in FAMILIES.items() if kind.this in members), None)


def _places(kind: exp.DataType) -> int:
    """Count the digits after the point that a decimal is declared with."""
    return int(kind.expressions[1].name) if len(kind.expressions) > 1 else 0


def declared_as(column: TargetColumn, dialect: Dialect) -> Declared:
    """Describe a column of the table as statements need it."""
    return Declared(type=column.type, family=family(column.type, dialect), collation=column.collation)


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
