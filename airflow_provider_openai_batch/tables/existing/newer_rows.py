"""Rows that a merge would leave, for another snapshot than ours, a later one, has answered them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.batch.text import values
from airflow_provider_openai_batch.tables.dialect.statements import Moment
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import declared_as

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.plan import Plan, TargetColumn

ROLE = "snapshot_at"


def later(made: Plan, alias: str, dialect: Dialect) -> str | None:
    """Write an expression that is not NULL for such rows of the table; None where no merge is to be."""
    at, column = made.landing.at, next((column for column in made.columns if column.role == ROLE), None)
    if at is None or column is None or made.landing.mode != "merge":
        return None
    theirs = f"{dialect.quote(alias)}.{dialect.quote(column.name)}"
    return f"CASE WHEN {theirs} > {_staged(column, at, dialect)} THEN 'later' END"


def _staged(column: TargetColumn, at: datetime, dialect: Dialect) -> str:
    """Write the time as a load stages it: in the column's own type, or in its text."""
    [text] = values.texts(pa.array([at], arrow_types.UTC))
    moment = Moment(plain=f"{at:%Y-%m-%d %H:%M:%S.%f}", text=text)
    return dialect.statements.moment(moment, declared_as(column, dialect))
