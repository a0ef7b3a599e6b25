"""Rows that a load is tried with: values of each type that a column takes, and those of the partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.tables.statements.partition import is_given
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import family
from airflow_provider_openai_batch.tables.types.samples import samples

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.plan import Plan, TargetColumn

ROWS = 3
#: Types of a table whose values are of one form, so that a small value of ours is one.
OF_ONE_FORM = frozenset(
    {"int", "float", "decimal", "bool", "date", "timestamp", "time", "uuid", "json", "bytes"}
)


def trial_rows(made: Plan, dialect: Dialect) -> pa.RecordBatch:
    """Make rows for the columns of a plan: NULLs, small values, and, where the column is new, large ones."""
    columns = [_tried(made, column, dialect) for column in made.columns]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema([column.field for column in made.columns]))


def _tried(made: Plan, column: TargetColumn, dialect: Dialect) -> pa.Array:
    if is_given(column.field.name, made.landing):
        return pa.repeat(pa.scalar(made.landing.partition[column.field.name], column.field.type), ROWS)
    if not made.exists or column.added:
        return samples(column.field)
    if _is_of_one_form(column, dialect):
        return samples(column.field, large=False)
    return pa.nulls(ROWS, column.field.type)


def _is_of_one_form(column: TargetColumn, dialect: Dialect) -> bool:
    """Tell whether the type of the table's column says all; a type of the user's may refuse any value."""
    text = pa.types.is_string(column.field.type) and arrow_types.logical(column.field) is None
    if text or column.words is not None:
        return False
    kind = column.type.removesuffix("[]")
    return family(kind, dialect) in OF_ONE_FORM
