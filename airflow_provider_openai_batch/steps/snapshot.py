"""Write a snapshot: the rows with the request of each, and new requests into shards."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from airflow_provider_openai_batch.batch.answers import RowStatus
from airflow_provider_openai_batch.batch.facts import About, Done
from airflow_provider_openai_batch.batch.seen import SeenHashes
from airflow_provider_openai_batch.batch.shards import estimate_tokens, too_large
from airflow_provider_openai_batch.batch.template import custom_id, request_line
from airflow_provider_openai_batch.batch.values import texts
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.keys import SHOWN, for_example
from airflow_provider_openai_batch.steps.read import StoredRequests
from airflow_provider_openai_batch.steps.shard import ShardFiles

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.arguments import Limits
    from airflow_provider_openai_batch.batch.run import Run
    from airflow_provider_openai_batch.steps.recipe import Recipe
    from airflow_provider_openai_batch.store import Draft, RunStore

ROWS_PER_FILE = 500_000
ROWS_PER_GROUP = 16_384
OURS = (("_input_hash", pa.string()), ("_custom_id", pa.binary(16)), ("_first", pa.bool_()))
REJECTED = pa.schema(
    [
        ("custom_id", pa.binary(16)),
        ("status", pa.string()),
        ("error_code", pa.string()),
        ("error_message", pa.string()),
    ]
)


class SnapshotWriter:
    """Takes batches of rows; holds 16 bytes per key and per request, and one batch."""

    def __init__(self, store: RunStore, snapshot: tuple[str, float], recipe: Recipe, limits: Limits) -> None:
        name, self._now = snapshot
        self._store, self._recipe, self._limits = store, recipe, limits
        self._layout = recipe.layout
        self._rows = RowFiles(store, f"snapshots/{name}")
        self._shards = ShardFiles(store, _about(recipe, self._now), limits)
        self._keys, self._requests, self._known = SeenHashes(), SeenHashes(), SeenHashes()
        self._rejected: list[tuple[bytes, str, str, str]] = []
        self._tokens = self._count = 0
        self._old: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._shards.close()
        self._rows.close()

    def know(self, run: Run) -> None:
        """Leave out of new shards what earlier shards of the run hold already."""
        requests = StoredRequests(self._store, run)
        for shard in run.shards:
            if shard.about.parent is None:
                self._old.append(shard.id)
                self._known.add(requests.of_shard(shard.id))

    def add(self, batch: pa.RecordBatch) -> None:
        """Check the keys of some rows, write the rows, and put their new requests into shards."""
        self._rows.schema = self._rows.schema or _with_ours(self._kept(batch).schema)
        if not batch.num_rows:
            return
        self._check_keys(batch)
        used = {name: texts(batch.column(name)) for name in self._layout.used}
        bodies = list(self._recipe.template.bodies(used))
        ids = [custom_id(self._recipe.endpoint, body) for body in bodies]
        packed = np.frombuffer(b"".join(ids), dtype="S16")
        first = self._requests.add(packed)
        fresh = first & ~self._known.contains(packed)
        for position in np.flatnonzero(first).tolist():
            self._request(ids[position], bodies[position], fresh=bool(fresh[position]))
        hashes = pa.array(list(self._recipe.template.input_hashes(used)), pa.string())
        raw = pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(16), len(ids), [None, pa.py_buffer(packed.tobytes())]
        )
        columns = [*self._kept(batch).columns, hashes, raw, pa.array(first)]
        self._rows.add(pa.RecordBatch.from_arrays(columns, schema=self._rows.schema))
        self._count += batch.num_rows

    def finish(self, now: float) -> Done:
        """Close all files and say what the snapshot holds."""
        new = self._shards.finish()
        self._write_rejected()
        return Done(
            at=now,
            rows=self._count,
            requests=len(self._requests) - len(self._rejected),
            rejected=len(self._rejected),
            shards=tuple(dict.fromkeys((*self._old, *new))),
            new=len(new),
            estimated_tokens=self._tokens,
            files=self._rows.finish(),
        )

    def _kept(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.select(list(self._layout.kept))

    def _request(self, request_id: bytes, body: bytes, *, fresh: bool) -> None:
        line = request_line(self._recipe.endpoint, request_id, body)
        reason = too_large(len(line), self._limits)
        if reason is not None:
            self._rejected.append((request_id, str(RowStatus.ERROR), "request_too_large", reason))
            return
        tokens = estimate_tokens(body)
        self._tokens += tokens
        if fresh:
            self._shards.add(request_id, line, tokens)

    def _check_keys(self, batch: pa.RecordBatch) -> None:
        for name in self._layout.key:
            column = batch.column(name)
            if pa.types.is_floating(column.type):
                raise InvalidRequest(
                    f"Key column {name!r} is a float, which is not exact; cast it in the source."
                )
            if column.null_count:
                self._refuse_null(batch, name)
        keys = [texts(batch.column(name)) for name in self._layout.key]
        hashes = b"".join(hash_key(key) for key in zip(*keys, strict=True))
        new = self._keys.add(np.frombuffer(hashes, dtype="S16"))
        if not new.all():
            rows = [tuple(column[i] for column in keys) for i in np.flatnonzero(~new)[:SHOWN].tolist()]
            raise InvalidRequest(
                f"Keys occur more than once{for_example(rows)}; name all columns that tell rows apart in "
                "source['key'], or make the source distinct."
            )

    def _refuse_null(self, batch: pa.RecordBatch, name: str) -> None:
        others = [column for column in self._layout.key if column != name]
        empty = pc.indices_nonzero(pc.is_null(batch.column(name)))[:SHOWN].to_pylist()
        shown = [tuple(texts(batch.column(other).slice(i, 1))[0] for other in others) for i in empty]
        beside = for_example(shown, f" in {', '.join(others)}") if others else ""
        raise InvalidRequest(
            f"Key column {name!r} is NULL in {batch.column(name).null_count} of the rows from "
            f"{self._count + 1} to {self._count + batch.num_rows}{beside}; filter them or "
            "name another key."
        )

    def _write_rejected(self) -> None:
        columns: Any = zip(*self._rejected, strict=True) if self._rejected else [[]] * len(REJECTED)
        arrays = [pa.array(list(c), field.type) for c, field in zip(columns, REJECTED, strict=True)]
        with self._store.create(f"{self._rows.folder}/rejected.parquet") as file:
            pq.write_table(pa.Table.from_arrays(arrays, schema=REJECTED), file)


def hash_key(texts_of_key: tuple[str, ...]) -> bytes:
    """Hash the texts of a key so that no two keys share one: ("a", "bc") is not ("ab", "c")."""
    parts = (text.encode() for text in texts_of_key)
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).digest()[:16]


def _with_ours(rows: pa.Schema) -> pa.Schema:
    return pa.schema([*rows, *(pa.field(name, kind) for name, kind in OURS)])


def _about(recipe: Recipe, now: float) -> About:
    return About(
        at=now,
        parent=None,
        attempt=0,
        requests=0,
        tokens=0,
        bytes=0,
        model=recipe.body["model"],
        endpoint=recipe.endpoint,
        output_type=recipe.output_type,
    )


class RowFiles:
    """The rows of a snapshot as Parquet files of up to half a million rows."""

    def __init__(self, store: RunStore, folder: str) -> None:
        self.folder = folder
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
        if self._in_file >= ROWS_PER_FILE:
            self._close_file()

    def _close_file(self) -> None:
        if self._open is None:
            return
        draft, writer = self._open
        writer.close()
        draft.publish(f"{self.folder}/{self._files[-1]}")
        self._stack.pop_all().close()
        self._open, self._in_file = None, 0
