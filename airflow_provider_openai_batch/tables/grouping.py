"""How much of a table is held in memory: bounded by rows and by bytes, for rows can be wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How many rows a batch holds at most.
BATCH_ROWS = 4096
#: What a fetch from a driver aims at, and what is collected before it is written.
FETCH_BYTES = 16 << 20
GROUP_ROWS = 65_536
GROUP_BYTES = 64 << 20


def next_fetch(batch: pa.RecordBatch) -> int:
    """Choose how many rows to fetch next by the size of the last ones."""
    size: int = batch.nbytes
    return max(1, min(BATCH_ROWS, FETCH_BYTES * batch.num_rows // size)) if size else BATCH_ROWS


def grouped(
    batches: Iterator[pa.RecordBatch], most_rows: int = GROUP_ROWS, most_bytes: int = GROUP_BYTES
) -> Iterator[pa.Table]:
    """Collect batches into tables that are worth a statement or a row group."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= most_rows or size >= most_bytes:
            yield pa.Table.from_batches(held)
            held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held)
