"""Write the rows of a snapshot, and those of its requests that fit into no file."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_provider_openai_batch.steps.run_folder.file_names import REJECTED as REJECTED_FILE
from airflow_provider_openai_batch.steps.run_folder.file_names import snapshot_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_openai_batch.store.run_store import Draft, RunStore

ROWS_PER_FILE = 500_000
ROWS_PER_GROUP = 16_384
REJECTED = pa.schema(
    [
        ("custom_id", pa.binary(16)),
        ("status", pa.string()),
        ("error_code", pa.string()),
        ("error_message", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A request that cannot be sent, and what its row says of it."""

    custom_id: bytes
    status: str
    error_code: str
    error_message: str


def write_rejected(store: RunStore, snapshot_id: str, rejected: Sequence[Rejected]) -> None:
    """Write the requests of a snapshot that cannot be sent, in the columns of `REJECTED`."""
    arrays = [pa.array([getattr(one, field.name) for one in rejected], field.type) for field in REJECTED]
    with store.create(snapshot_file(snapshot_id, REJECTED_FILE)) as file:
        pq.write_table(pa.Table.from_arrays(arrays, schema=REJECTED), file)


class RowFiles:
    """The rows of a snapshot as Parquet files of up to half a million rows."""

    def __init__(self, store: RunStore, snapshot_id: str) -> None:
        self._snapshot = snapshot_id
        self.schema: pa.Schema | None = None
        self._store = store
        self._stack = ExitStack()
        self._open: tuple[Draft, pq.ParquetWriter] | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._held = self._in_file = 0
        self._files: list[str] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Append rows; they are written in groups."""
        self._waiting.append(batch)
        self._held += batch.num_rows
        if self._held >= ROWS_PER_GROUP:
            self._flush()

    def finish(self) -> tuple[str, ...]:
        """Close the last file and name all; a source without rows has one file that shows the columns."""
        if self._held or (self.schema is not None and not self._files):
            self._flush()
        self._close_file()
        return tuple(self._files)

    def close(self) -> None:
        """Drop a file that is not finished."""
        self._stack.close()

    def _flush(self) -> None:
        if self._open is None:
            self._files.append(f"rows-{len(self._files):04}.parquet")
            draft = self._stack.enter_context(self._store.draft())
            self._open = draft, pq.ParquetWriter(draft.file, self.schema, compression="zstd")
        self._open[1].write_table(pa.Table.from_batches(self._waiting, schema=self.schema))
        self._in_file += self._held
        self._waiting, self._held = [], 0
        pa.default_memory_pool().release_unused()  # it keeps three times what it has in use
        if self._in_file >= ROWS_PER_FILE:
            self._close_file()

    def _close_file(self) -> None:
        if self._open is None:
            return
        draft, writer = self._open
        writer.close()
        draft.publish(snapshot_file(self._snapshot, self._files[-1]))
        self._stack.pop_all().close()
        self._open, self._in_file = None, 0
