"""The answer files of a send as they were downloaded: all copies of them, each line once."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.store.run_store import RunStore


def raw_lines(store: RunStore, send: Send) -> Iterator[bytes]:
    """Yield the lines of all files that were copied for a send."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for name in sorted(send.raw, reverse=True):
        kinds[re.split("[-.]", name)[0]].append(f"{send.folder}/{name}")
    for copies in kinds.values():
        yield from _once(store, copies)


def _once(store: RunStore, copies: list[str]) -> Iterator[bytes]:
    """Yield the lines of all copies of a file; one that an earlier copy has is no second line."""
    seen: set[bytes] = set()
    for name in copies:
        fresh = set()
        with store.open(name) as file:
            for line in file:
                if len(copies) > 1:
                    digest = hashlib.blake2b(line.rstrip(), digest_size=16).digest()
                    if digest in seen:
                        continue
                    fresh.add(digest)
                yield line
        seen |= fresh
