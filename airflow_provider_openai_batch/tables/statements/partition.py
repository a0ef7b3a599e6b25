"""The partition that a load replaces: its columns, and its value in every row."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables import names
from airflow_provider_openai_batch.tables.types import plain_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_openai_batch.tables.landing import Landing

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def with_partition(landing: Landing) -> Landing:
    """Add the partition columns that the result does not carry; no answer has the value of all rows."""
    schema = landing.schema
    for name, value in landing.partition.items():
        found = names.find(name, schema.names)
        if found is None:
            schema = schema.append(partition_field(name, value))
        elif landing.carried is not None and found not in {*landing.key, *landing.carried}:
            raise InvalidRequest(
                f"target['partition'] names {name!r}, which is a column of the answers: each row has a value "
                "of its own there. Name another column, or rename the answers' by target['columns']."
            )
    partition = {names.find(name, schema.names) or name: value for name, value in landing.partition.items()}
    return replace(landing, schema=schema, partition=partition)


def is_given(name: str, landing: Landing) -> bool:
    """Tell whether a column has the partition's value without the source having the column."""
    if landing.carried is None:
        return False
    return name in landing.partition and name not in {*landing.key, *landing.carried}


def partition_field(name: str, value: object) -> pa.Field:
    """Type a partition column by its value; what Jinja rendered is text."""
    with suppress(OverflowError, UnicodeError):
        if isinstance(value, str | bool | int | date) and not isinstance(value, datetime):
            return pa.field(name, pa.scalar(value).type)
    raise InvalidRequest(
        f"target['partition'][{name!r}] is {value!r}; give a string without halves of surrogate pairs, an "
        "integer of 64 bits, a boolean, or a date."
    )


def day_field(field: pa.Field, landing: Landing) -> pa.Field:
    """Return a date for a partition's column whose text is a day, as `{{ ds }}` is; else the field itself.

    So a table that a load creates is partitioned by a DATE. The value stays the text that it is.
    """
    value = landing.partition.get(field.name)
    if not is_given(field.name, landing) or not isinstance(value, str) or DAY.fullmatch(value) is None:
        return field
    with suppress(ValueError):
        date.fromisoformat(value)
        return pa.field(field.name, pa.date32())
    return field


def fill_partition(landing: Landing, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Write the partition's value into its column; a carried column that differs is an error."""
    for batch in batches:
        columns = []
        for field in landing.schema:
            if field.name in batch.schema.names:
                column = batch.column(field.name)
                if field.name in landing.partition:
                    check_partition(field.name, column, landing.partition[field.name])
                column = plain_fields.fitted(column, field)
            else:
                column = pa.repeat(pa.scalar(landing.partition[field.name], field.type), batch.num_rows)
            columns.append(column)
        yield pa.RecordBatch.from_arrays(columns, schema=landing.schema)


def require_partition(landing: Landing, rows: pa.RecordBatch) -> None:
    """Refuse rows whose columns have another value than the partition that they would be written to."""
    for name, value in with_partition(landing).partition.items() if landing.partition else ():
        if name in rows.schema.names:
            check_partition(name, rows.column(name), value)


def check_partition(name: str, column: pa.Array, value: object) -> None:
    """Raise unless every row of a carried column holds the partition's value."""
    try:
        expected = pa.scalar(value if isinstance(value, int | date) else str(value)).cast(column.type)
    except pa.ArrowException:
        expected = None
    same = (
        expected is not None and pc.all(pc.fill_null(pc.equal(column, expected), False)).as_py() is not False
    )
    if not same:
        raise InvalidRequest(
            f"Column {name!r} of the source is not always {value!r}, the value of target['partition']; "
            "select only the rows of that partition."
        )
