"""The list of the page in Airflow over 10,000 runs: how long one page of it takes, and in how much memory."""

from __future__ import annotations

import os
import tempfile
import time
import tracemalloc
from typing import TYPE_CHECKING

import msgspec
from upath import UPath

from airflow_provider_openai_batch.batch.report.listed_run import LandedRun
from airflow_provider_openai_batch.steps.run_index import index_names
from airflow_provider_openai_batch.steps.run_index.read_index import Asked, read_page
from airflow_provider_openai_batch.store.shared_folder import SharedFolder
from benchmarks.lines import Line, of_rounds

if TYPE_CHECKING:
    from benchmarks.lines import Bench

RUNS, ON_A_PAGE, DAGS = 10_000, 50, 20
MOST_SECONDS, MOST_MB = 1.0, 20.0
BEGUN, DAY = 1_764_547_200, 86_400
#: What the runs have in common: as many a day as a deployment has, and the worst, all of one day.
SPREAD = {"25 a day": 25, "all in one day": RUNS}


def page(bench: Bench) -> list[Line]:
    """Read the first page of the list, of one DAG in twenty, and of the whole."""
    return [line for spread, a_day in SPREAD.items() for line in _lines(bench, spread, a_day)]


def _lines(bench: Bench, spread: str, a_day: int) -> list[Line]:
    runs = min(RUNS, bench.rows)
    with tempfile.TemporaryDirectory(prefix="page-") as folder:
        for number in range(runs):
            _enter(folder, number, a_day)
        seconds = [_seconds(folder) for _ in range(bench.rounds)]
        memory = _memory(folder)
    share, between = of_rounds(seconds)
    what = f"page of {ON_A_PAGE} of {runs:,} runs, {spread}"
    wall = Line(what=f"{what}: wall", ours="", share=share, between=between, limit=MOST_SECONDS, unit="s")
    room = Line(what=f"{what}: memory", ours="", share=memory, limit=MOST_MB, unit="MB")
    return [wall, room]


def _enter(folder: str, number: int, a_day: int) -> None:
    """Enter a run as submit and load do, without the way of its files onto the disk."""
    at = BEGUN + number // a_day * DAY + (number % a_day) * DAY // a_day
    run_id = f"dag_{number % DAGS}/classify.submit/{number}"
    entry = LandedRun(
        at=at, run_id=run_id, run_uri=f"s3://runs/{run_id}", submitted_at=at, model="gpt-5-mini", rows=1_000,
        requests=990, batches=3, counts={"ok": 985, "error": 15}, input_tokens=1_000_000,
        output_tokens=80_000, cost_usd=1.2, saved_usd=1.2, estimated_cost_usd=1.3,
    )  # fmt: skip
    key = index_names.key_of(at, run_id, entry.run_uri)
    for name in (index_names.run_file(key), index_names.landed_file(key, at)):
        path = f"{folder}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(msgspec.json.encode(entry))


def _seconds(folder: str) -> float:
    begun = time.perf_counter()
    _read(folder)
    return time.perf_counter() - begun


def _memory(folder: str) -> float:
    tracemalloc.start()
    try:
        _read(folder)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def _read(folder: str) -> None:
    """Read a page of all DAGs, and one of a single DAG."""
    dags = frozenset(f"dag_{number}" for number in range(DAGS))
    for asked in (dags, frozenset({"dag_1"})):
        read_page(SharedFolder(UPath(f"file://{folder}")), Asked(dags=asked, most=ON_A_PAGE))
