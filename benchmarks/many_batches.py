"""The first submit of a new run, where the account has many batches: how many lists it asks for."""

from __future__ import annotations

import collections
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import openai
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.emulator.state.state import Batch, StageTimes, Status
from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from airflow_provider_openai_batch.steps.submit.stage import stage
from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs
from airflow_provider_openai_batch.store.run_store import RunStore
from benchmarks.lines import Line

if TYPE_CHECKING:
    import httpx

    from benchmarks.lines import Bench

BATCHES, QUICK_BATCHES = 300_000, 30_000
DAYS = 30
#: Calls of lists that there may be.
MOST = 3
REQUEST = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Classify: {ticket}"}]}
#: Copies of one batch that has ended, the newest last, evenly over the days before now.
COPIES = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
INSERT INTO batches (id, input_file_id, live, record)
SELECT 'batch_' || n, 'file-' || n, 0,
  replace(replace(:record, '"the id"', '"batch_' || n || '"'), '1.5', :now - (:count - n) * :apart)
FROM numbers
"""


def many_batches(bench: Bench) -> list[Line]:
    """Stage a new run beside 300,000 batches of the last 30 days; a quick one beside 30,000."""
    count = QUICK_BATCHES if bench.quick else BATCHES
    with tempfile.TemporaryDirectory(prefix="many-") as folder:
        emulator = OpenAIBatchEmulator(Path(folder, "emulator"))
        emulator.start()
        try:
            add_batches(Path(folder, "emulator"), count, emulator.now)
            calls = _lists_of_a_submit(emulator, folder)
        finally:
            emulator.stop()
    return [
        Line(
            what=f"first submit of a new run beside {count:,} batches of {DAYS} days",
            ours=", ".join(f"{count} of {path}" for path, count in calls.items()),
            share=calls.total(),
            limit=MOST,
            unit="lists",
        )
    ]


def add_batches(data: Path, count: int, now: float) -> None:
    """Let an emulator remember batches of other runs that have ended, over the last 30 days."""
    record = Batch(
        id="the id",
        endpoint="/v1/chat/completions",
        input_file_id="file-gone",
        completion_window="24h",
        metadata={"run": "another"},
        created_at=1.5,
        expires_at=now,
        output_seconds=60,
        stages=StageTimes(),
        status=Status.COMPLETED,
    )
    given = {
        "count": count,
        "record": msgspec.json.encode(record).decode(),
        "now": now,
        "apart": DAYS * 86_400 / count,
    }
    with sqlite3.connect(data / "state.sqlite") as database:
        database.execute(COPIES, given)
    database.close()


def counting(emulator: OpenAIBatchEmulator, calls: collections.Counter[str]) -> Client:
    """Return a client that counts its calls of lists by their paths."""

    def count(request: httpx.Request) -> None:
        if request.method == "GET" and request.url.path.endswith(("/batches", "/files")):
            calls[request.url.path] += 1

    http = openai.DefaultHttpxClient(event_hooks={"request": [count]})
    return Client(openai.OpenAI(base_url=emulator.base_url, api_key=emulator.api_key, http_client=http))


def _lists_of_a_submit(emulator: OpenAIBatchEmulator, folder: str) -> collections.Counter[str]:
    calls: collections.Counter[str] = collections.Counter()
    rows = Path(folder, "rows.csv")
    rows.write_text("id,ticket\n1,The export has no header row.\n")
    asked = SubmitArgs(
        source=arguments.source({"path": f"file://{rows}", "key": "id"}),
        request=arguments.request(REQUEST),
        run_id="dag/task/run",
    )
    client = counting(emulator, calls)
    stage(asked, RunStore(ObjectStoragePath(f"file://{folder}/runs/dag/task/run")), client)
    client.close()
    return calls
