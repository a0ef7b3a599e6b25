"""The whole pipeline on object stores: each law of the fault campaign, whatever the store and people do."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Finish
from tests.faults.draw import draw
from tests.faults.world import make_world
from tests.laws.figures import Figures
from tests.stores.plays import KilledPlay, alone, busy, play_on
from tests.stores.proxy import Troubles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stores.conftest import Bucket
    from tests.stores.table import Findings

SEEDS = range(1, 7)
ROWS = 40

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", SEEDS)
def test_laws_hold(bucket: Bucket, tmp_path: Path, findings: Findings, seed: int):
    """KIND: another kind of storage. Faults of the API, clears, and retries break no law there."""
    check(bucket, findings, *play_on(bucket, draw(seed), tmp_path))


@pytest.mark.parametrize("seed", SEEDS)
def test_laws_hold_while_the_store_fails(bucket: Bucket, tmp_path: Path, findings: Findings, seed: int):
    """KIND: a store that fails in 3% of its operations, half of the writes after they have acted."""
    troubles = Troubles(dice=random.Random(seed), errors=0.03)

    check(bucket, findings, *play_on(bucket, draw(100 + seed), tmp_path, troubles=troubles))


@pytest.mark.parametrize("seed", SEEDS)
def test_laws_hold_while_the_store_lags(bucket: Bucket, tmp_path: Path, findings: Findings, seed: int):
    """KIND: a store whose listings, or reads, do not show at once what was just put."""
    lag = random.Random(seed).randint(1, 8)
    troubles = Troubles(list_lag=lag, read_lag=lag if seed % 2 else 0)

    check(bucket, findings, *play_on(bucket, alone(draw(200 + seed)), tmp_path, troubles=troubles))


@pytest.mark.parametrize("seed", SEEDS)
def test_laws_hold_for_two_live_processes(bucket: Bucket, tmp_path: Path, findings: Findings, seed: int):
    """KIND: processes that nobody waits for any more. Two attempts, zombies, clears, and store errors."""
    troubles = Troubles(dice=random.Random(seed), errors=0.03 if seed % 2 else 0.0)

    check(bucket, findings, *play_on(bucket, busy(draw(300 + seed)), tmp_path, troubles=troubles))


@pytest.mark.parametrize("seed", SEEDS)
def test_laws_hold_when_processes_are_killed(bucket: Bucket, tmp_path: Path, findings: Findings, seed: int):
    """KIND: a process that dies between two operations. Each task is killed once at one of them."""
    check(bucket, findings, *play_on(bucket, draw(400 + seed), tmp_path, KilledPlay))


def test_a_second_night_asks_nothing_again(bucket: Bucket, tmp_path: Path, findings: Findings):
    """KIND: memory that is elsewhere. A later run with a folder of its own finds what the target holds."""
    rows = {n: f"row {n}" for n in range(ROWS)}
    executed = []
    for night in ("monday", "tuesday", "wednesday"):
        run = {"runs": bucket.root, "run_id": f"dag/submit/{night}"}
        with make_world(tmp_path, limits={"requests_per_shard": 10}, **run) as world:
            world.warehouse.fill(rows)
            world.advance(world.stage().attempt)
            world.emulator.advance(3_600)
            assert isinstance(world.advance(), Finish)
            world.load()
            executed.append(len(world.emulator.ledger))
            assert len(world.warehouse.read()) == len(rows)
        rows |= {1_000: "a new row", 5: "a changed row"} if night == "monday" else {}

    assert executed == [ROWS, ROWS + 2, ROWS + 2]
    assert bucket.proxy.books.overwritten() == set()


def check(bucket: Bucket, findings: Findings, figures: Figures, story: str) -> None:
    """Require all laws, and keep what was found for the table."""
    findings.figures[bucket.kind] += figures
    findings.overwritten[bucket.kind] += len(bucket.proxy.books.overwritten())

    assert figures == Figures(fault_combinations_tried=1), story
    assert bucket.proxy.books.overwritten() == set()
