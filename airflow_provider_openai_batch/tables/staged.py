"""Values in the form that the target's columns hold them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.tables import types
from airflow_provider_openai_batch.tables.families import family
from airflow_provider_openai_batch.tables.fractions import to_microseconds

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.plan import TargetColumn

Change = Callable[[pa.Array], pa.Array]
Batches = Iterator[pa.RecordBatch]


def as_held(columns: Sequence[TargetColumn], about: tuple[str, Sequence[str]], batches: Batches) -> Batches:
    """Write equal keys alike, and nanoseconds as the microseconds that most databases keep.

    `about` is the dialect, and our names of the key's columns.
    """
    dialect, key = about
    changes = {
        column.field.name: change
        for column in columns
        if (change := _change(column, dialect, is_key=column.field.name in key)) is not None
    }
    for batch in batches:
        changed = batch
        for name, change in changes.items():
            place = changed.schema.get_field_index(name)
            array = change(changed.column(place))
            changed = changed.set_column(place, changed.field(place).with_type(array.type), array)
        yield changed


def _change(column: TargetColumn, dialect: str, *, is_key: bool) -> Change | None:
    kind = column.field.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns" and column.type != "TIMESTAMP_NS":
        return to_microseconds
    in_text = not column.type or family(column.type, dialect) == "text"
    return _plain if is_key and pa.types.is_decimal(kind) and in_text else None


def _plain(values: pa.Array) -> pa.Array:
    """Write a decimal without trailing zeros: 1.5 of another night's scale is the same key."""
    written = [None if value is None else types.plain_decimal(value) for value in values.to_pylist()]
    return pa.array(written, pa.string())
