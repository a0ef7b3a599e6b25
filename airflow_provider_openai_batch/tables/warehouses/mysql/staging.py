"""Rows into a table of MySQL by INSERTs of many rows, each as long as the server takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.text import values
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.types.families import family
from airflow_provider_openai_batch.tables.warehouses.mysql.dialect import DIALECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from airflow_provider_openai_batch.tables.plan import TargetColumn

#: Longer statements gain nothing: the client holds some copies of each.
STATEMENT_BYTES = 4 << 20
#: What a value takes beside its text, and a value of another type with it.
CELL_BYTES = 48
#: Quotes, zeros, and backslashes are written as two characters.
ESCAPED = 2


def insert(
    cursor: Any, table: str, columns: Sequence[TargetColumn], batches: Iterator[pa.RecordBatch]
) -> int:
    """Load batches into a table of these columns and one that counts; returns how many rows there were."""
    cursor.execute("SELECT @@max_allowed_packet")
    packet = int(cursor.fetchone()[0])
    marks = f"({', '.join([*map(_mark, columns), 'NULL'])})"  # DEFAULT is zero where zero is a number
    rows = 0
    for batch in batches:
        arrays = [batch.column(column.field.name) for column in columns]
        cells = [literals(array, column.type) for array, column in zip(arrays, columns, strict=True)]
        for start, end in _cuts(_sizes(arrays), packet):
            given = [value for row in zip(*(cell[start:end] for cell in cells), strict=True) for value in row]
            cursor.execute(f"INSERT INTO {table} VALUES {', '.join([marks] * (end - start))}", given)
        rows += batch.num_rows
    return rows


def _mark(column: TargetColumn) -> str:
    """Write a parameter; drivers quote bytes in ways of their own, so these go as hex digits."""
    return "UNHEX(%s)" if _is_binary(column.field.type) else "%s"


def literals(column: pa.Array, kind: str) -> list[Any]:
    """Give the values of a column as MySQL reads them; it has no form for NaN and infinities: NULL."""
    ours = column.type
    if pa.types.is_string(ours):
        return column.to_pylist()  # type: ignore[no-any-return]
    if _is_binary(ours):
        return [None if value is None else value.hex() for value in column.to_pylist()]
    if pa.types.is_floating(ours):
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, ours))
    elif family(kind, DIALECT) != "text":
        if pa.types.is_boolean(ours) or pa.types.is_integer(ours):
            return [None if value is None else int(value) for value in column.to_pylist()]
        if pa.types.is_timestamp(ours):
            return moments(column)
    return values.nullable_texts(column)


def moments(column: pa.Array) -> list[str | None]:
    """Write timestamps in UTC, as columns of dates and times take them."""
    naive = column.cast(pa.int64()).cast(pa.timestamp(column.type.unit)).cast(pa.timestamp("us"), safe=False)
    return naive.cast(pa.string()).to_pylist()  # type: ignore[no-any-return]


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _sizes(columns: Sequence[pa.Array]) -> npt.NDArray[np.int64]:
    """Give about how many bytes each row has in a statement, without escapes."""
    sizes = np.full(len(columns[0]), CELL_BYTES * len(columns), dtype=np.int64)
    for column in columns:
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            lengths = pc.fill_null(pc.binary_length(column), 0)
            sizes += lengths.to_numpy(zero_copy_only=False).astype(np.int64)
        elif pa.types.is_nested(column.type):
            sizes += column.nbytes // max(1, len(column))
    return sizes


def _cuts(sizes: npt.NDArray[np.int64], packet: int) -> Iterator[tuple[int, int]]:
    """Cut rows into statements; one that no statement holds is an error before it is sent."""
    largest = int(sizes.max(initial=0))
    if largest > packet:
        raise InvalidRequest(
            f"A row has {largest:,} bytes, and MySQL takes {packet:,} in one packet; raise "
            "max_allowed_packet of the server and clear load: the answers are kept."
        )
    most, start, held = min(STATEMENT_BYTES, packet), 0, 0
    for place, size in enumerate((sizes * ESCAPED).tolist()):
        if place > start and held + size > most:
            yield start, place
            start, held = place, 0
        held += size
    if start < len(sizes):
        yield start, len(sizes)
