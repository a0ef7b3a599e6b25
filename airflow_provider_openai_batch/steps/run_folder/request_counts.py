"""How many requests of a run are where, by its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.decisions.remaining_requests import count_left
from airflow_provider_openai_batch.steps.run_folder.read import read_queue, read_run

if TYPE_CHECKING:
    from airflow_provider_openai_batch.store.run_store import RunStore


def counts(store: RunStore) -> dict[str, int]:
    """Count requests by where they are: answered, in flight, or not sent yet."""
    run = read_run(store)
    current = run.current
    requests = current.done.requests if current and current.done else 0
    flying = sum(run.shard(send.shard).about.requests for send in run.sends if send.open)
    held = sum(count_left(run, left) for left in read_queue(store, run).left)
    return {
        "requests": requests,
        "answered": max(0, requests - flying - held),
        "in_flight": flying,
        "held": held,
    }
