"""What a shard costs in a run of few and of many: CPU to submit and to collect, and listings.

The folder of a run lies in memory where the machine offers that: what a file costs the kernel is of its disk,
and can be more than all the rest. Of some rounds the least CPU counts, for other work only adds to it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.decisions.moment import Settings
from airflow_provider_openai_batch.client.same_origin import SameOrigin
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from airflow_provider_openai_batch.steps.submit.stage import SubmitArgs, stage
from airflow_provider_openai_batch.steps.wait.advance import advance
from airflow_provider_openai_batch.store.run_store import RunStore
from benchmarks.lines import Bench, Line

if TYPE_CHECKING:
    from benchmarks.children import Usage

FEW, MANY, QUICK_MANY = 10, (100, 300, 1_000), (100,)
REQUESTS, ROUNDS = 10, 5
MEMORY = Path("/dev/shm")
#: CPU of a shard among many, against one among few; and the milliseconds and listings that there may be.
MOST_TIMES, MOST_MS, MOST_LISTINGS = 1.3, 6.0, 5
REQUEST = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Classify: {ticket}"}]}


class CountingStore(RunStore):
    """Counts how often the whole folder is listed."""

    listings = 0

    def list(self, below: str = "") -> frozenset[str]:
        self.listings += not below
        return super().list(below)


def shards(bench: Bench) -> list[Line]:
    """Submit and collect runs of 10 to 1,000 shards of 10 requests each."""
    few = _measured(bench, FEW)
    lines = [_absolute(step, FEW, usage, listings) for step, (usage, listings) in few.items()]
    for count in QUICK_MANY if bench.quick else MANY:
        many = _measured(bench, count)
        lines += [_compared(step, count, many[step][0], few[step][0]) for step in few]
        lines += [_absolute(step, count, usage, listings) for step, (usage, listings) in many.items()]
    return lines


def _measured(bench: Bench, count: int) -> dict[str, tuple[Usage, int]]:
    """Submit and collect runs, and return the least that each step took."""
    found = [_once(bench, count) for _ in range(1 if bench.quick else ROUNDS)]
    return {step: min((one[step] for one in found), key=lambda seen: seen[0].cpu) for step in found[0]}


def _once(bench: Bench, count: int) -> dict[str, tuple[Usage, int]]:
    """Submit and collect one run, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="shards-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        emulator = OpenAIBatchEmulator(Path(folder, "emulator"), seconds_to_complete=60)
        emulator.start()
        known = {"api": emulator.connection, "folder": folder, "count": count}
        try:
            submitted = bench.measure("benchmarks.shards:submit", **known)
            counts = [int(Path(folder, "listings").read_text())]
            emulator.advance(120)
            collected = bench.measure("benchmarks.shards:collect", **known)
            counts.append(int(Path(folder, "listings").read_text()))
        finally:
            emulator.stop()
    return {"submit": (submitted, counts[0]), "collect": (collected, counts[1])}


def warm(**known: Any) -> None:
    """Do everything once, in a run of few shards, so that imports and first calls are not counted."""
    _write_rows(FEW * REQUESTS, Path(known["folder"], "warm.db"))
    _work("warm", known, submit=True)
    _write_rows(known["count"] * REQUESTS, Path(known["folder"], "run.db"))


def submit(**known: Any) -> None:
    """Stage the rows and send every shard."""
    _work("run", known, submit=True)


def collect(**known: Any) -> None:
    """Collect every batch; all have ended."""
    _work("run", known, submit=False)


def _work(name: str, known: dict[str, Any], *, submit: bool) -> None:
    folder = known["folder"]
    os.environ["AIRFLOW_CONN_SOURCE"] = json.dumps({"conn_type": "sqlite", "host": f"{folder}/{name}.db"})
    store = CountingStore(ObjectStoragePath(f"file://{folder}/runs/dag/task/{name}"))
    api = openai.OpenAI(
        base_url=known["api"]["host"],
        api_key=known["api"]["password"],
        max_retries=0,
        http_client=SameOrigin(verify=False),
    )
    client = Client(api)
    attempt = stage(_asked(name), store, client).attempt if submit else None
    store.listings = 0
    advance(store, client, Settings(), attempt)
    Path(folder, "listings").write_text(str(store.listings))
    client.close()


def _asked(name: str) -> SubmitArgs:
    return SubmitArgs(
        source=arguments.source({"conn_id": "source", "sql": "SELECT id, ticket FROM tickets", "key": "id"}),
        request=arguments.request(REQUEST),
        output_type=["bug", "feature"],
        limits=arguments.limits({"requests_per_shard": REQUESTS, "preflight": False}),
        run_id=f"dag/task/{name}",
    )


def _write_rows(count: int, path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE IF NOT EXISTS tickets (id INTEGER PRIMARY KEY, ticket TEXT)")
        rows = ((number, f"Ticket {number}: the export has no header row.") for number in range(count))
        database.executemany("INSERT OR IGNORE INTO tickets VALUES (?, ?)", rows)


def _compared(step: str, count: int, many: Usage, few: Usage) -> Line:
    ours, theirs = many.cpu / count * 1_000, few.cpu / FEW * 1_000
    return Line(
        what=f"{step}: CPU of a shard, {count:,} against {FEW}",
        ours=f"{ours:.2f} ms",
        theirs=f"{theirs:.2f} ms",
        share=ours / theirs,
        limit=MOST_TIMES,
    )


def _absolute(step: str, count: int, usage: Usage, listings: int) -> Line:
    each = usage.cpu / count * 1_000
    return Line(
        what=f"{step}: CPU of one of {count:,} shards, in a call with {listings} listings",
        ours=f"{each:.2f} ms",
        theirs=f"{MOST_MS} ms, {MOST_LISTINGS} listings",
        share=max(each / MOST_MS, listings / MOST_LISTINGS),
        limit=1.0,
    )
