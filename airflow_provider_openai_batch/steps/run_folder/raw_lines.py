"""The answer files of a send as they were downloaded: all copies of them, each line once."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from contextlib import nullcontext
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.store.run_store import RunStore


def raw_lines(store: RunStore, send: Send, at_hand: Mapping[str, BinaryIO] | None = None) -> Iterator[bytes]:
    """Yield the lines of all files that were copied for a send.

    :param at_hand: files of the send that this process has just copied, by name: they are not fetched again.
    """
    return chain.from_iterable(raw_files(store, send, at_hand))


def raw_files(
    store: RunStore, send: Send, at_hand: Mapping[str, BinaryIO] | None = None
) -> Iterator[Iterator[bytes]]:
    """Yield the lines of each file of a send, from all its copies."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for name in sorted(send.raw, reverse=True):
        kinds[re.split("[-.]", name)[0]].append(f"{send.folder}/{name}")
    for copies in kinds.values():
        yield _once([partial(_opened, store, name, at_hand or {}) for name in copies])


def _once(copies: list[Callable[[], AbstractContextManager[BinaryIO]]]) -> Iterator[bytes]:
    """Yield the lines of all copies of a file; one that an earlier copy has is no second line."""
    if len(copies) == 1:
        with copies[0]() as file:
            yield from file
        return
    seen: set[bytes] = set()
    for opened in copies:
        fresh = set()
        with opened() as file:
            for line in file:
                digest = digest_of(line)
                if digest not in seen:
                    fresh.add(digest)
                    yield line
        seen |= fresh


def digest_of(line: bytes) -> bytes:
    """Name a line by what is in it."""
    return hashlib.blake2b(line.rstrip(), digest_size=16).digest()


def _opened(store: RunStore, name: str, at_hand: Mapping[str, BinaryIO]) -> AbstractContextManager[BinaryIO]:
    """Open a file of the run, from its start."""
    file = at_hand.get(name)
    if file is None:
        return store.open(name)
    file.seek(0)
    return nullcontext(file)
