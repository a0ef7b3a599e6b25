"""The files of a shard: the requests of one input file, under a name made of their content."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import numpy as np

from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES
from airflow_provider_openai_batch.steps.run_folder.file_names import requests_file, shard_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from airflow_provider_openai_batch.batch.run.facts import About
    from airflow_provider_openai_batch.batch.run.run import Shard
    from airflow_provider_openai_batch.batch.text.request_ids import Ids
    from airflow_provider_openai_batch.store.run_store import Draft, RunStore

NAME_DIGITS = 24
CHUNK = 1 << 20
ABOUT, CUSTOM_IDS = "about.json", "custom_ids.bin"


class ShardWriter:
    """Takes lines; `finish` publishes the shard and returns its name."""

    def __init__(self, store: RunStore, draft: Draft) -> None:
        self._store, self._draft = store, draft
        self._hash = hashlib.sha256()
        self._ids = bytearray()
        self._bytes = 0

    def add(self, custom_ids: bytes, lines: bytes | memoryview) -> None:
        """Append some requests."""
        self._draft.file.write(lines)
        self._hash.update(lines)
        self._ids += custom_ids
        self._bytes += len(lines)

    def take_out(self, position: int, start: int, size: int) -> tuple[bytes, bytes]:
        """Remove a request, given where its line is; what follows it moves up. Nothing is added after that.

        :return: its custom_id and its line.
        """
        file = self._draft.file
        file.flush()
        self._hash = hashlib.sha256()
        for _, chunk in _chunks(file, 0, start):
            self._hash.update(chunk)
        line = os.pread(file.fileno(), size, start)
        for place, chunk in _chunks(file, start + size, self._bytes):
            self._hash.update(chunk)
            os.pwrite(file.fileno(), chunk, place - size)
        self._bytes -= size
        file.truncate(self._bytes)
        own = slice(position * ID_BYTES, (position + 1) * ID_BYTES)
        custom_id = bytes(self._ids[own])
        del self._ids[own]
        return custom_id, line

    def finish(self, about: About) -> str:
        """Publish requests, then ids, then `about.json`, which makes the folder a shard."""
        name = f"{self._hash.hexdigest()[:NAME_DIGITS]}-{about.attempt}"
        self._draft.publish(requests_file(name))
        with self._store.create(shard_file(name, CUSTOM_IDS)) as file:
            file.write(self._ids)
        counted = msgspec.structs.replace(about, bytes=self._bytes, requests=len(self._ids) // ID_BYTES)
        self._store.put(shard_file(name, ABOUT), counted)
        return name


def _chunks(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Read a part of a file; each chunk comes with its place."""
    for place in range(start, end, CHUNK):
        yield place, os.pread(file.fileno(), min(CHUNK, end - place), place)


@contextmanager
def write_shard(store: RunStore) -> Iterator[ShardWriter]:
    """Open a shard; unless it is finished, nothing of it stays."""
    with store.draft() as draft:
        yield ShardWriter(store, draft)


def ids_of_shard(store: RunStore, shard_id: str) -> Ids:
    """Return the requests of a shard in file order."""
    with store.open(shard_file(shard_id, CUSTOM_IDS)) as file:
        return np.frombuffer(file.read(), dtype=f"S{ID_BYTES}")


def first_request(store: RunStore, shard_id: str) -> bytes:
    """Return the first line of a shard's requests."""
    with store.open(requests_file(shard_id)) as file:
        return file.readline()


def input_file(store: RunStore, shard_id: str) -> AbstractContextManager[str]:
    """Give the requests of a shard as a file on this machine's disk, to be uploaded."""
    return store.local(requests_file(shard_id))


def make_child(store: RunStore, parent: Shard, positions: np.ndarray, attempt: int) -> str:
    """Write the requests at these positions of the parent, in its order, as a shard of their own."""
    wanted = frozenset(positions.tolist())
    ids = ids_of_shard(store, parent.id).tobytes()
    with write_shard(store) as writer:
        with store.open(requests_file(parent.id)) as lines:
            for position, line in enumerate(lines):
                if position in wanted:
                    writer.add(ids[position * ID_BYTES : (position + 1) * ID_BYTES], line)
        share = len(wanted) / parent.about.requests
        cost = parent.about.cost_usd
        about = msgspec.structs.replace(
            parent.about,
            parent=parent.id,
            attempt=attempt,
            tokens=round(parent.about.tokens * share),
            cost_usd=None if cost is None else cost * share,
            preflight=False,
        )
        return writer.finish(about)
