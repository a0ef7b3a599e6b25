"""Rows that had failed before a run: the run remembers them after it has overwritten them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.text.digests import digests
from airflow_provider_openai_batch.batch.text.seen_hashes import SeenHashes
from airflow_provider_openai_batch.batch.text.values import text_array
from airflow_provider_openai_batch.steps.run_folder.snapshot_file import failed_before, stored_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pyarrow as pa

    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.store.run_store import RunStore


class FailedBefore:
    """The keys of rows that earlier snapshots of the run mark as failed before."""

    def __init__(self, key: Sequence[str]) -> None:
        self._key = key
        self._keys = SeenHashes()

    def read(self, store: RunStore, run: Run) -> None:
        """Take the keys over from the run's snapshots that have the same key."""
        for snapshot in run.snapshots:
            complete = snapshot.complete
            if complete is None or complete.submission.key != tuple(self._key):
                continue
            for rows in stored_rows(store, complete):
                marked = rows.filter(failed_before(rows))
                if marked.num_rows:
                    self._keys.add(self._hashes(marked))

    def mark(self, rows: pa.RecordBatch, failed: np.ndarray) -> np.ndarray:
        """Add rows that an earlier snapshot marks to those that the target shows as failed."""
        if not len(self._keys):
            return failed
        found: np.ndarray = failed | self._keys.contains(self._hashes(rows))
        return found

    def _hashes(self, rows: pa.RecordBatch) -> np.ndarray:
        return digests([text_array(rows.column(name)) for name in self._key])
