"""What a run's folder says of its requests and files, read without the code under test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.store.run_store import RunStore


def requests_of(store: RunStore) -> dict[str, list[str]]:
    """Return the requests of each shard, in the order of its file."""
    return {shard: [line["custom_id"] for line in lines] for shard, lines in lines_of(store)}


def lines_of(store: RunStore) -> Iterator[tuple[str, list[Any]]]:
    """Read the lines that each shard sends."""
    for name in store.list():
        if name.endswith("/requests.jsonl"):
            with store.open(name) as file:
                yield name.split("/")[1], [msgspec.json.decode(line) for line in file]


def facts_of(store: RunStore) -> dict[str, str]:
    """Read the facts, by their names."""
    facts = {}
    for name in store.list():
        if name.endswith(".json"):
            with store.open(name) as file:
                facts[name] = file.read().decode()
    return facts
