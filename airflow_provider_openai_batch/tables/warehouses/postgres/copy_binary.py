"""Rows as PostgreSQL's binary COPY takes them: each column in a type of its own, cast where it is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.warehouses.postgres import copy_text
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_openai_batch.tables.plan import Staging, TargetColumn

#: Arrow types whose values have one binary form, and the type of PostgreSQL that reads it.
BINARY: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int16, "smallint"),
    (pa.types.is_int32, "integer"),
    (pa.types.is_int64, "bigint"),
    (pa.types.is_float32, "real"),
    (pa.types.is_float64, "double precision"),
    (pa.types.is_string, "text"),
    (pa.types.is_binary, "bytea"),
    (pa.types.is_date32, "date"),
    (lambda kind: kind == arrow_types.UTC, "timestamptz"),
    (lambda kind: kind == pa.timestamp("us"), "timestamp"),
)
ALIASES = {
    "int": "integer", "int2": "smallint", "int4": "integer", "int8": "bigint", "bool": "boolean",
    "float4": "real", "float8": "double precision", "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp", "character varying": "varchar", "character": "bpchar",
    "char": "bpchar",
}  # fmt: skip
TEXTS = frozenset({"text", "varchar", "bpchar"})
FLOATS = frozenset({"real[]", "double precision[]"})
#: A text type with a length: a cast to it cuts the text, an assignment does not.
CUT = re.compile(r"(varchar|bpchar)\(\d+\)(?=$|\[)")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A column of the loaded table: its declaration, and how the staged column is made of it."""

    column: TargetColumn
    declared: str
    expression: str
    binary: bool

    def values(self, batch: pa.RecordBatch) -> pa.Array:
        """Give the values in the form that is loaded; PostgreSQL's text has no NUL."""
        column = batch.column(self.column.field.name)
        return _without_nul(column if self.binary else copy_text.literal(column))


def loaded(column: TargetColumn) -> Loaded:
    """Choose the binary form where the target has it, else text, which PostgreSQL reads as COPY does."""
    name, kind = DIALECT.quote(column.name), canonical(column.type)
    binary, bare = binary_type(column.field.type), kind.split("(", 1)[0]
    declared = column.declared(DIALECT)
    if bare in TEXTS and not kind.endswith("]"):
        return Loaded(column, declared, name, binary == "text")
    if binary == kind:
        return Loaded(column, declared, name, binary=True)
    if binary in FLOATS and copy_text.is_vector(column):
        return Loaded(column, f"{name} {binary}", f"CAST({name} AS {column.type})", binary=True)
    return Loaded(column, f"{name} text", f"CAST({name} AS {CUT.sub(_uncut, kind)})", binary=binary == "text")


def canonical(kind: str) -> str:
    """Give a type the one name that we compare it by."""
    found = re.fullmatch(r"([a-z0-9 ]+?)(\(\d+\))?( with(?:out)? time zone)?(\[\])?", kind.lower())
    if found is None:
        return kind
    base, length, zone, array = found[1], found[2] or "", found[3] or "", found[4] or ""
    return f"{ALIASES.get(base + zone, base + zone)}{length}{array}"


def binary_type(kind: pa.DataType) -> str | None:
    """Name the type of PostgreSQL that reads an Arrow type's binary form; None if it is loaded as text."""
    if arrow_types.is_list(kind):
        inner = binary_type(kind.value_type)
        return None if inner is None else f"{inner}[]"
    return next((name for matches, name in BINARY if matches(kind)), None)


def made(staging: Staging, columns: Sequence[Loaded]) -> tuple[str, list[str]]:
    """Write the name of the table that is loaded, and what makes it and the staged rows."""
    is_cast = any(column.expression != DIALECT.quote(column.column.name) for column in columns)
    table = f"{staging.name}_in" if is_cast else staging.name
    declared = ", ".join(column.declared for column in columns)
    create = f"CREATE TEMPORARY TABLE {DIALECT.quote(table)} ({declared}) ON COMMIT DROP"
    if not is_cast:
        return table, [create]
    shown = ", ".join(f"{column.expression} AS {DIALECT.quote(column.column.name)}" for column in columns)
    view = f"CREATE TEMPORARY VIEW {DIALECT.quote(staging.name)} AS SELECT {shown}"
    return table, [create, f"{view} FROM {DIALECT.quote(table)}"]


def _uncut(found: re.Match[str]) -> str:
    return found[1]


def _without_nul(column: pa.Array) -> pa.Array:
    if arrow_types.is_list(column.type) and pa.types.is_string(column.type.value_type):
        if not _has_nul(pc.list_flatten(column)):
            return column
        rows = column.to_pylist()
        cleaned = [
            None if row is None else [None if item is None else item.replace("\0", "") for item in row]
            for row in rows
        ]
        return pa.array(cleaned, column.type)
    if pa.types.is_string(column.type) and _has_nul(column):
        return pc.replace_substring(column, "\0", "")
    return column


def _has_nul(texts: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring(texts, "\0")).as_py())
