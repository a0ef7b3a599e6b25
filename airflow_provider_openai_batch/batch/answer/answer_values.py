"""Answers with the values of their columns: typed as they were collected, or now, from their texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.output.output import IDENTITY, OUTPUT, Invalid
from airflow_provider_openai_batch.batch.text.row_status import RowStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_openai_batch.batch.output.output import Output

OK, INVALID = str(RowStatus.OK), str(RowStatus.INVALID)


def typed(table: pa.Table, output: Output) -> pa.Table:
    """Return answers with a column `output`: a struct of the values of each that is `ok`, else NULL.

    Texts are read only where no values are stored, as in files of earlier versions, or where they were
    typed for another output type. An answer that does not fit this one becomes `invalid`.
    """
    good = pc.equal(table["status"], OK).combine_chunks()
    values = _stored(table, output)
    table = table.drop_columns(OUTPUT) if OUTPUT in table.column_names else table
    untyped = pc.and_(good, pc.is_null(values))
    invalid: dict[int, str] = {}
    if pc.any(untyped).as_py():
        parsed, invalid = _parsed(pc.if_else(untyped, table["answer"], None).combine_chunks(), output)
        values = pc.if_else(untyped, parsed, values)
    table = table.append_column(OUTPUT, pc.if_else(good, values, None))
    return as_invalid(table, invalid, table["answer"]) if invalid else table


def _stored(table: pa.Table, output: Output) -> pa.Array:
    """Return the values that stand in a file, if they were typed for an output like this one."""
    if output.stored is None:
        return output.joined([one_array(table["answer"])], pc.is_null(table["answer"]).combine_chunks())
    place = table.schema.get_field_index(OUTPUT)
    field = None if place < 0 else table.schema.field(place)
    if field is None or field.type != output.kind or (field.metadata or {}).get(IDENTITY) != output.identity:
        return pa.nulls(len(table), output.kind)
    return one_array(table[OUTPUT])


def _parsed(texts: pa.Array, output: Output) -> tuple[pa.Array, dict[int, str]]:
    """Read texts into values, some at a time; those that do not fit are NULL, with their reasons by place."""
    invalid: dict[int, str] = {}
    parts = []
    for start in range(0, len(texts), output.rows):
        block = texts.slice(start, output.rows).to_pylist()
        rows = [None if text is None else output.parse(text) for text in block]
        reasons = ((start + n, row.reason) for n, row in enumerate(rows) if isinstance(row, Invalid))
        invalid.update(reasons)
        parts.append(output.typed([None if isinstance(row, Invalid) else row for row in rows]))
    return pa.concat_arrays(parts), invalid


def as_invalid(table: pa.Table, reasons: Mapping[int, str], texts: pa.ChunkedArray) -> pa.Table:
    """Make answers `invalid`, with the reason and the raw text; their values are NULL."""
    mask = np.zeros(len(table), dtype=bool)
    mask[list(reasons)] = True
    changed: dict[str, Any] = {
        "status": INVALID,
        "error_code": INVALID,
        "error_message": pa.array([reasons.get(place) for place in range(len(table))], pa.string()),
        "raw_output": texts,
        OUTPUT: None,
    }
    for name, values in changed.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, pc.if_else(mask, values, table[name]))
    return table


def values_of(table: pa.Table) -> Sequence[pa.Array]:
    """Return an array for each column of the output."""
    arrays: Sequence[pa.Array] = one_array(table[OUTPUT]).flatten()
    return arrays


def plain(table: pa.Table, output: Output) -> pa.Table:
    """Return answers as texts, without their values: so they go beside those of another output type."""
    if output.stored is None:
        return table
    place = table.schema.get_field_index("answer")
    return table.set_column(place, "answer", output.texts(table)).drop_columns(OUTPUT)


def counts(column: pa.Array | pa.ChunkedArray) -> dict[Any, int]:
    """Count each value of a column, in the order that they first appear in."""
    counted = pc.value_counts(column)
    return dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True))


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, however many chunks it has."""
    flat = column.combine_chunks()
    return pa.concat_arrays(flat.chunks) if isinstance(flat, pa.ChunkedArray) else flat
