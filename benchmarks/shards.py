"""What a shard costs in a run of few and of many: CPU to submit and to collect, and listings.

The folder of a run lies in memory where the machine offers that: what a file costs the kernel is of its disk,
and can be more than all the rest. Of some rounds the least CPU counts, for other work only adds to it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.same_origin import SameOrigin
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from airflow_provider_openai_batch.steps.submit.stage import stage
from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs
from airflow_provider_openai_batch.steps.wait.advance import advance
from airflow_provider_openai_batch.store.run_store import RunStore
from benchmarks.lines import Bench, Line

FEW, MANY, QUICK_MANY = 10, (100, 300, 1_000), (100,)
REQUESTS = 10
MEMORY = Path("/dev/shm")
#: CPU of a shard among many, against one among few; and the milliseconds and listings that there may be.
MOST_TIMES, MOST_MS, MOST_LISTINGS = 1.3, 6.0, 5
REQUEST = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Classify: {ticket}"}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a shard has taken, and how often a call has listed the folder."""

    milliseconds: float
    listings: int


class CountingStore(RunStore):
    """Counts how often the whole folder is listed."""

    listings = 0

    def list(self, below: str = "") -> frozenset[str]:
        self.listings += not below
        return super().list(below)


def shards(bench: Bench) -> list[Line]:
    """Submit and collect runs of 10 to 1,000 shards of 10 requests each, in turn."""
    return of_counts(bench, (FEW, *(QUICK_MANY if bench.quick else MANY)))


def of_counts(bench: Bench, counts: tuple[int, ...]) -> list[Line]:
    """Compare runs of so many shards with that of the first count."""
    rounds = [{count: _once(bench, count) for count in counts} for _ in range(bench.rounds)]
    lines = []
    for step in ("submit", "collect"):
        for count in counts:
            lines += _amounts(step, count, [one[count][step] for one in rounds])
        for count in counts[1:]:
            few, many = ([one[size][step] for one in rounds] for size in (counts[0], count))
            lines.append(_compared(f"{step}: CPU of a shard, {count:,} against {counts[0]:,}", many, few))
    return lines


def _once(bench: Bench, count: int) -> dict[str, Seen]:
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
    used = {"submit": submitted, "collect": collected}
    return {
        step: Seen(milliseconds=usage.cpu / count * 1_000, listings=listings)
        for (step, usage), listings in zip(used.items(), counts, strict=True)
    }


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


def _compared(what: str, many: list[Seen], few: list[Seen]) -> Line:
    """Compare the least of each; the rounds are compared one by one for the range."""
    ours, theirs = ([each.milliseconds for each in seen] for seen in (many, few))
    shares = [one / other for one, other in zip(ours, theirs, strict=True)]
    return Line(
        what=what,
        ours=f"{min(ours):.2f} ms",
        theirs=f"{min(theirs):.2f} ms",
        share=min(ours) / min(theirs),
        between=(min(shares), max(shares)),
        limit=MOST_TIMES,
    )


def _amounts(step: str, count: int, seen: list[Seen]) -> list[Line]:
    each, listings = [one.milliseconds for one in seen], max(one.listings for one in seen)
    return [
        Line(
            what=f"{step}: CPU of one of {count:,} shards, the least of the rounds",
            ours=f"{min(each) * count:,.0f} ms for all",
            share=min(each),
            between=(min(each), max(each)),
            limit=MOST_MS,
            unit="ms",
        ),
        Line(
            what=f"{step}: listings of the run folder, {count:,} shards",
            ours=f"{listings} in a call",
            share=listings,
            limit=MOST_LISTINGS,
        ),
    ]
