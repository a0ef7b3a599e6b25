"""The sets of requests that a run folder holds: of a snapshot, of a shard, and those of an answered send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from airflow_provider_openai_batch.batch.api.quota import without_credit
from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES, ids_of
from airflow_provider_openai_batch.steps.run_folder import file_names
from airflow_provider_openai_batch.steps.run_folder.shard_files import ids_of_shard
from airflow_provider_openai_batch.steps.run_folder.snapshot_file import CUSTOM_ID

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.store.run_store import RunStore


class StoredRequests:
    """The sets of requests as the folder holds them."""

    def __init__(self, store: RunStore, run: Run) -> None:
        self._store = store
        self._done = {one.id: one.done for one in run.snapshots if one.done is not None}
        self._shards: dict[str, np.ndarray] = {}

    def of_snapshot(self, snapshot_id: str) -> np.ndarray:
        """Return the distinct requests of a snapshot, sorted, without those that fit into no file."""
        done = self._done[snapshot_id]
        parts = [self._column(file_names.snapshot_file(snapshot_id, name), CUSTOM_ID) for name in done.files]
        found = np.unique(np.concatenate(parts)) if parts else np.empty(0, f"S{ID_BYTES}")
        rejected = self._column(file_names.snapshot_file(snapshot_id, file_names.REJECTED), "custom_id")
        return found[~np.isin(found, rejected)] if len(rejected) else found

    def of_shard(self, shard_id: str) -> np.ndarray:
        """Return the requests of a shard in file order."""
        if shard_id not in self._shards:
            self._shards[shard_id] = ids_of_shard(self._store, shard_id)
        return self._shards[shard_id]

    def unpaid(self, send: Send) -> np.ndarray:
        """Return the requests of an ended send that were not run, for the account had no credit."""

        def read() -> np.ndarray:
            table = self._answers(send, "custom_id", "status", "error_code", "error_message")
            unpaid: np.ndarray = ids_of(table["custom_id"])[without_credit(table)]
            return unpaid

        # Each later send of the line asks, at each look.
        return self._store.once(f"unpaid:{send.folder}", read)

    def answered(self, send: Send) -> tuple[np.ndarray, np.ndarray]:
        """Return the answered requests of an ended send and the status of each."""
        table = self._answers(send, "custom_id", "status")
        return ids_of(table["custom_id"]), table["status"].to_numpy(zero_copy_only=False).astype(str)

    def counted(self, send: Send) -> np.ndarray:
        """Return the requests of an ended send whose tokens are known, or are booked on them."""
        table = self._answers(send, "custom_id", "input_tokens")
        return ids_of(table.filter(table["input_tokens"].is_valid())["custom_id"])

    def _answers(self, send: Send, *columns: str) -> pa.Table:
        """Read some columns; most files are small, and a scan of a dataset costs more than they do."""
        with self._store.open(file_names.answers_file(send.folder)) as file:
            return pq.ParquetFile(file, pre_buffer=False).read(columns=list(columns), use_threads=False)

    def _column(self, name: str, column: str) -> np.ndarray:
        with self._store.open(name) as file:
            parquet = pq.ParquetFile(file, pre_buffer=False)
            parts = [ids_of(batch[column]) for batch in parquet.iter_batches(columns=[column])]
        return np.concatenate(parts) if parts else np.empty(0, f"S{ID_BYTES}")
