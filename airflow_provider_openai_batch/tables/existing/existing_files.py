"""What the Parquet files of earlier runs hold: read back whole, for files have no index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from airflow_provider_openai_batch.batch.text import values
from airflow_provider_openai_batch.batch.text.digests import digests
from airflow_provider_openai_batch.tables.existing.existing_rows import HELD, in_order
from airflow_provider_openai_batch.tables.existing.held_rows import ROLES, Elsewhere
from airflow_provider_openai_batch.tables.plan import role_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_openai_batch.tables.existing.held_rows import Join, Known
    from airflow_provider_openai_batch.tables.landing import Landing

SNAPSHOT = "snapshot_at"
HASH = "S16"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFiles:
    """The latest row of each key: sorted hashes of the keys, and the fixed columns of each."""

    hashes: np.ndarray
    rows: pa.Table

    @property
    def is_dated(self) -> bool:
        return True

    def join(self, keys: Sequence[str], known: Known | None = None) -> Join | None:  # noqa: ARG002
        """Join nothing: files are no tables."""
        return None

    def of(self, keys: pa.RecordBatch) -> pa.RecordBatch:
        wanted = _hashes(keys.columns)
        places = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
        taken = pa.array(places, mask=self.hashes[places] != wanted)
        return self.rows.take(taken).combine_chunks().to_batches()[0] if len(keys) else in_order({}, 0)

    def compared(
        self,
        keys: pa.RecordBatch,  # noqa: ARG002
        hashes: pa.Array,  # noqa: ARG002
        known: Known,  # noqa: ARG002
    ) -> pa.RecordBatch | None:
        """Compare nothing: `of` reads no more than this would."""
        return None

    def elsewhere(self, custom_ids: Sequence[str]) -> Elsewhere:  # noqa: ARG002
        """Find nothing: files change no keys."""
        return Elsewhere()


def read_back(fs: Any, folder: str, landing: Landing) -> HeldFiles | None:
    """Read key and fixed columns of all files of a folder; None where they hold no row."""
    parts = [part for name in _names(fs, folder) for part in _rows(fs, name, landing)]
    if not parts:
        return None
    hashes = np.concatenate([found for found, _ in parts])
    rows = pa.Table.from_batches([row for _, row in parts])
    # Without a time comes first; the latest is the last of its key, or that of this run, whose file goes.
    times = pc.fill_null(rows[SNAPSHOT].cast(pa.int64()), np.iinfo(np.int64).min)
    own = pc.fill_null(pc.equal(rows["run_id"], landing.run_id), False)
    order = np.lexsort((times.to_numpy(), own.to_numpy(), hashes))
    hashes = hashes[order]
    last = np.append(hashes[1:] != hashes[:-1], True)
    return HeldFiles(hashes=hashes[last], rows=rows.select(HELD.names).take(pa.array(order[last])))


def _names(fs: Any, folder: str) -> list[str]:
    if not fs.isdir(folder):
        return []
    found = (name for name in fs.ls(folder, detail=False) if name.endswith(".parquet"))
    return sorted(name for name in found if not name.rpartition("/")[2].startswith((".", "_")))


def _rows(fs: Any, name: str, landing: Landing) -> Iterator[tuple[np.ndarray, pa.RecordBatch]]:
    """Yield the rows of a file; one without our columns holds nothing of ours."""
    with fs.open(name, "rb") as file:
        parquet = pq.ParquetFile(file, pre_buffer=False)
        named = {role_of(field): field.name for field in landing.schema}
        roles = {role: named[role] for role in (*ROLES, SNAPSHOT) if role in named}
        there = set(parquet.schema_arrow.names)
        if not {*landing.key, roles["status"]} <= there:
            return
        for batch in parquet.iter_batches(columns=[*landing.key, *(there & set(roles.values()))]):
            found = {role: batch[own] for role, own in roles.items() if own in there}
            time = found.pop(SNAPSHOT, pa.nulls(len(batch), pa.int64()))
            held = in_order(found, len(batch))
            yield (
                _hashes([batch[key] for key in landing.key]),
                pa.RecordBatch.from_arrays([*held.columns, time.cast(pa.int64())], [*HELD.names, SNAPSHOT]),
            )


def _hashes(keys: Sequence[pa.Array]) -> np.ndarray:
    found = digests([values.text_array(key) for key in keys])
    return np.ascontiguousarray(found).view(HASH).reshape(-1)
