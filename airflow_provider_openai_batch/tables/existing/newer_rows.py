"""Rows that a merge would leave, for another snapshot than ours, a later one, has answered them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.batch.text import values
from airflow_provider_openai_batch.tables import names
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import family
from airflow_provider_openai_batch.tables.types.timestamp_precision import digits_of

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_openai_batch.tables.plan import Plan, TargetColumn

ROLE = "snapshot_at"


def later(made: Plan, alias: str, dialect: str) -> str | None:
    """Write an expression that is not NULL for such rows of the table; None where no merge is to be."""
    at, column = made.landing.at, next((column for column in made.columns if column.role == ROLE), None)
    if at is None or column is None or made.landing.mode != "merge":
        return None
    theirs = f"{names.quote(alias, dialect)}.{names.quote(column.name, dialect)}"
    return f"CASE WHEN {theirs} > {_staged(column, at, dialect)} THEN 'later' END"


def _staged(column: TargetColumn, at: datetime, dialect: str) -> str:
    """Write the time as a load stages it: in the column's own type, or in its text."""
    plain, [text] = f"{at:%Y-%m-%d %H:%M:%S.%f}", values.texts(pa.array([at], arrow_types.UTC))
    if dialect == "sqlite":
        return f"'{plain.replace(' ', 'T')}Z'"
    if dialect == "duckdb":
        return f"CAST(CAST('{plain}+00' AS TIMESTAMPTZ) AS {column.type})"
    if family(column.type, dialect) == "text":
        return f"'{text}'"
    if dialect == "mysql":
        digits = digits_of(column, dialect)
        return f"CAST('{plain}' AS DATETIME({6 if digits is None else digits}))"
    return f"CAST('{plain}+00' AS {column.type})"
