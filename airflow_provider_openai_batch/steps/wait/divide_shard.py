"""A shard becomes smaller ones: what is left of it, or its halves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from airflow_provider_openai_batch.steps.collect.collect import refuse_request
from airflow_provider_openai_batch.steps.run_folder.shard_files import make_child

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.decisions.remaining_requests import Part
    from airflow_provider_openai_batch.batch.run.run import Shard
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.run_folder.journal import Journal
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)


def cut_off(store: RunStore, shard: Shard, left: Part) -> None:
    """Put what is left of a shard into a shard of its own; log what is paid for once more."""
    make_child(store, shard, left.positions, left.attempt)
    if left.invalid:
        log.info(
            "%s answers of shard %s do not fit the output type; their requests are sent again.",
            f"{left.invalid:,}",
            left.shard,
        )


def split(journal: Journal, client: Client, shard: Shard) -> None:
    """Divide a shard that the API takes in parts only; a single request is answered with the refusal."""
    if shard.about.requests == 1:
        refused = [(send, send.refusal) for send in shard.sends if send.refusal is not None]
        refuse_request(journal, client, *refused[-1])
        return
    positions = np.arange(shard.about.requests)
    half = shard.about.requests // 2
    for part in (positions[:half], positions[half:]):
        make_child(journal.store, shard, part, shard.about.attempt)
