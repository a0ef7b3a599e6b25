"""Write a shard: the requests of one input file, under a name made of their content."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from airflow_provider_openai_batch.batch.run.facts import About
    from airflow_provider_openai_batch.batch.run.run import Shard
    from airflow_provider_openai_batch.store.run_store import Draft, RunStore

NAME_DIGITS = 24


class ShardWriter:
    """Takes lines; `finish` publishes the shard and returns its name."""

    def __init__(self, store: RunStore, draft: Draft) -> None:
        self._store, self._draft = store, draft
        self._hash = hashlib.sha256()
        self._ids = bytearray()
        self._bytes = 0

    def add(self, custom_id: bytes, line: bytes) -> None:
        """Append one request."""
        self._draft.file.write(line)
        self._hash.update(line)
        self._ids += custom_id
        self._bytes += len(line)

    def lines(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the custom_id and the line of each request so far; nothing is added after that."""
        self._draft.file.seek(0)
        for position, line in enumerate(self._draft.file):
            yield bytes(self._ids[position * 16 : position * 16 + 16]), line

    def finish(self, about: About) -> str:
        """Publish requests, then ids, then `about.json`, which makes the folder a shard."""
        name = f"{self._hash.hexdigest()[:NAME_DIGITS]}-{about.attempt}"
        self._draft.publish(f"shards/{name}/requests.jsonl")
        with self._store.create(f"shards/{name}/custom_ids.bin") as file:
            file.write(self._ids)
        counted = msgspec.structs.replace(about, bytes=self._bytes, requests=len(self._ids) // 16)
        self._store.put(f"shards/{name}/about.json", counted)
        return name


@contextmanager
def write_shard(store: RunStore) -> Iterator[ShardWriter]:
    """Open a shard; unless it is finished, nothing of it stays."""
    with store.draft() as draft:
        yield ShardWriter(store, draft)


def make_child(store: RunStore, parent: Shard, positions: np.ndarray, attempt: int) -> str:
    """Write the requests at these positions of the parent, in its order, as a shard of their own."""
    wanted = frozenset(positions.tolist())
    with store.open(f"shards/{parent.id}/custom_ids.bin") as file:
        ids = file.read()
    with write_shard(store) as writer:
        with store.open(f"shards/{parent.id}/requests.jsonl") as lines:
            for position, line in enumerate(lines):
                if position in wanted:
                    writer.add(ids[position * 16 : position * 16 + 16], line)
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
