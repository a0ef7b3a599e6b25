"""The row files of a snapshot: the rows of the source, and the columns that the run adds to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES, ids_of
from airflow_provider_openai_batch.steps.run_folder import file_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.run.run import CompleteSnapshot
    from airflow_provider_openai_batch.batch.text.request_ids import Ids
    from airflow_provider_openai_batch.store.run_store import RunStore

FAILED_BEFORE, INPUT_HASH, CUSTOM_ID, FIRST = "_failed_before", "_input_hash", "_custom_id", "_first"
#: What a snapshot adds to the columns of the source; files of older versions lack `FAILED_BEFORE`.
ADDED = pa.schema(
    [
        #: Whether the target held the row as failed when it was read.
        (FAILED_BEFORE, pa.bool_()),
        #: What makes a row the same on another night, as hexadecimal text.
        (INPUT_HASH, pa.string()),
        #: The row's request; rows that ask the same share one.
        (CUSTOM_ID, pa.binary(ID_BYTES)),
        #: Whether this is the first row of its request: the one that its tokens and cost are booked on.
        (FIRST, pa.bool_()),
    ]
)
ROWS = 4_096


def with_added(columns: pa.Schema) -> pa.Schema:
    """Return the schema of the files for these columns of the source."""
    return pa.schema([*columns, *ADDED])


def stored_schema(store: RunStore, snapshot: CompleteSnapshot) -> pa.Schema | None:
    """Return the columns of a snapshot; it has them without rows, too, unless its source had none."""
    if not snapshot.done.files:
        return None
    with store.open(file_names.snapshot_file(snapshot.id, snapshot.done.files[0])) as file:
        return pq.ParquetFile(file, pre_buffer=False).schema_arrow


def stored_rows(store: RunStore, snapshot: CompleteSnapshot, count: int = ROWS) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a snapshot in the order they were read, up to `count` at a time."""
    for name in snapshot.done.files:
        with store.open(file_names.snapshot_file(snapshot.id, name)) as file:
            yield from pq.ParquetFile(file, pre_buffer=False).iter_batches(batch_size=count)


def request_ids(rows: pa.RecordBatch) -> Ids:
    """Return the id of each row's request."""
    return ids_of(rows[CUSTOM_ID])


def failed_before(rows: pa.RecordBatch) -> pa.BooleanArray:
    """Return which rows the target held as failed; older snapshots do not say."""
    if FAILED_BEFORE not in rows.schema.names:
        return pa.repeat(pa.scalar(value=False), rows.num_rows)
    return rows[FAILED_BEFORE]
