"""Rows into a temporary table: Parquet files that are PUT into a temporary stage, and one COPY of all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from airflow_provider_openai_batch.batch.text import values
from airflow_provider_openai_batch.tables.staged_files import named
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import family, vector_of
from airflow_provider_openai_batch.tables.types.supported_types import MAX_DIGITS
from airflow_provider_openai_batch.tables.warehouses.snowflake.dialect import DIALECT

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_openai_batch.tables.plan import TargetColumn

FORMAT = "(TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)"
#: Families of types that are read from a text of JSON.
PARSED = frozenset({"json", "list"})


def loadable(column: TargetColumn) -> TargetColumn:
    """Stage a vector as a list: no file is loaded into one."""
    return replace(column, type="ARRAY") if vector_of(column.type, DIALECT) else column


def form(column: TargetColumn, array: pa.Array) -> pa.Array:
    """Write as text what files of Parquet and Snowflake do not both have."""
    kind = column.type
    is_text = not pa.types.is_string(array.type) and _is_texted(array.type, family(kind, DIALECT))
    if is_text:
        return pa.array(values.nullable_texts(array), pa.string())
    if pa.types.is_uint64(array.type):
        return array.cast(pa.decimal128(20, 0))
    if pa.types.is_float16(array.type):
        return array.cast(pa.float32())
    return array


def _is_texted(kind: pa.DataType, theirs: str | None) -> bool:
    if theirs == "text" or pa.types.is_time(kind) or pa.types.is_nested(kind):
        return not pa.types.is_binary(kind)
    is_long = pa.types.is_decimal(kind) and kind.precision > MAX_DIGITS
    return is_long or bool(pa.types.is_duration(kind))


def create_stage(stage: str) -> str:
    """Write the statement that makes a stage of the session's own."""
    return f"CREATE TEMPORARY STAGE {DIALECT.quote(stage)} FILE_FORMAT = {FORMAT}"


def put(path: Path, stage: str, folder: str) -> str:
    """Write the statement that uploads a file."""
    place = f"@{DIALECT.quote(stage)}/{folder}"
    return f"PUT {DIALECT.literal(f'file://{path}')} {place} AUTO_COMPRESS = FALSE OVERWRITE = TRUE"


def copy(table: str, columns: tuple[TargetColumn, ...], stage: str, folder: str) -> str:
    """Write the statement that loads all files of a folder and removes them."""
    read = ", ".join(_read(column, place) for place, column in enumerate(columns))
    into = ", ".join(DIALECT.quote(column.name) for column in columns)
    return (
        f"COPY INTO {DIALECT.quote(table)} ({into}) FROM (SELECT {read} "
        f"FROM @{DIALECT.quote(stage)}/{folder}) FILE_FORMAT = {FORMAT} "
        "ON_ERROR = ABORT_STATEMENT PURGE = TRUE"
    )


def _read(column: TargetColumn, place: int) -> str:
    value = f"$1:{named(place)}"
    if family(column.type, DIALECT) in PARSED and _is_json(column.field):
        value = f"PARSE_JSON({value}::VARCHAR)"
        return value if family(column.type, DIALECT) == "json" else f"{value}::{column.type}"
    return f"{value}::{column.type}"


def _is_json(field: Any) -> bool:
    return bool(pa.types.is_nested(field.type) or arrow_types.logical(field) == "json")
