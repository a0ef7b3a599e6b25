"""How often a run calls the store: with its conditions, and with a look before each put."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.world import make_world
from tests.world import pipeline

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from tests.faults.world import World
    from tests.stores.conftest import Bucket
    from tests.stores.table import Findings

ROWS, SHARDS = 40, 8
#: What a submit of 8 shards may take: 3 puts for each shard and 2 for its send, 2 lists and a read each, the
#: snapshot, the attempt, and the first look; gcsfs looks for a few folders. With a look before each put and
#: a list after, it was 200.
MOST_TO_SUBMIT = 86
MOST_IN_ALL = 300

pytestmark = pytest.mark.long


def test_operations_of_a_run(
    bucket: Bucket, bucket_without_conditions: Bucket, tmp_path: Path, findings: Findings
):
    """KIND: operations that nobody needs: nothing is looked for before a put, or read after it."""
    for store, has_conditions in ((bucket_without_conditions, False), (bucket, True)):
        folder = tmp_path / str(has_conditions)
        folder.mkdir()
        for step, counted in count(store, folder).items():
            findings.operations[bucket.kind, step, has_conditions] = counted

    now = {step: findings.operations[bucket.kind, step, True].total() for step in ("submit", "wait", "load")}
    before = findings.operations[bucket.kind, "submit", False].total()
    assert now["submit"] <= MOST_TO_SUBMIT < before
    assert sum(now.values()) <= MOST_IN_ALL


def count(bucket: Bucket, folder: Path) -> dict[str, Counter[str]]:
    """Play a quiet run, each task with a store of its own; return the operations of each by kind."""
    counts = {}
    limits = {"requests_per_shard": ROWS // SHARDS}
    with make_world(folder, limits=limits, runs=bucket.root) as world:
        world.warehouse.fill({n: f"row {n}" for n in range(ROWS)})
        for name, step in (("submit", submit), ("wait", wait), ("load", load)):
            before = bucket.proxy.books.counts.copy()
            step(world)
            counts[name] = bucket.proxy.books.counts - before
            world.emulator.advance(3_600)
        assert len(world.warehouse.read()) == ROWS
    return counts


def submit(world: World) -> None:
    """Submit as the operator does, with one store for both parts."""
    pipeline.submit(world.asked(), world.store, world.client)


def wait(world: World) -> None:
    """Collect."""
    world.advance()


def load(world: World) -> None:
    """Land."""
    world.load()
