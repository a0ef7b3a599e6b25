"""Who may create: of all registered attempts the highest one; and the mark that its batches carry."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.run.facts import Attempt, attempt_order

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.store.run_store import RunStore


def register(store: RunStore, run: Run, now: float) -> Attempt:
    """Write down that this process may create; of two, the higher one goes on."""
    number = run.live.number + 1 if run.live else 1
    attempt = Attempt(number=number, nonce=store.nonce(), at=now)
    store.put(f"attempts/{number:04}-{attempt.nonce}.json", attempt)
    return attempt


def run_hash(store: RunStore) -> str:
    """Return the word that marks this run's batches."""
    return hashlib.sha256(store.uri.encode()).hexdigest()[:32]


def is_superseded(store: RunStore, attempt: Attempt) -> bool:
    """Tell whether a higher attempt is registered."""
    names = [name for name in store.list() if name.startswith("attempts/")]
    words = [name.removeprefix("attempts/").removesuffix(".json").split("-", 1) for name in names]
    highest = max((int(number), word) for number, word in words)
    return highest > attempt_order(attempt)
