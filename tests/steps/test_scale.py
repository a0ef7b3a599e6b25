"""A large table: memory that does not grow with it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from pathlib import Path

MB = 1_000_000
PROGRAM = """
import json, sys, time
sys.modules["bpe_openai"] = None  # its tables take 140 MB, once; by default there are none
from airflow.providers.common.compat.sdk import ObjectStoragePath
from airflow_provider_openai_batch.batch.api.file_page import FilePaging
from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.cost.prices import Price, Prices
from airflow_provider_openai_batch.steps.submit.stage import stage
from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs
from airflow_provider_openai_batch.store.run_store import RunStore

class Offline:
    origin = "nowhere"
    token_budgets: dict = {}
    models = type("Models", (), {"is_unknown": staticmethod(lambda *_, **__: False)})
    prices = Prices(models={"gpt-5-mini": Price(input=0.25, output=2)})
    now = staticmethod(time.time)
    list_back_to = staticmethod(lambda oldest: iter(()))
    input_files = staticmethod(FilePaging)

asked = SubmitArgs(
    source=arguments.source({"path": sys.argv[1], "key": "id"}),
    request=arguments.request({"model": "gpt-5-mini", "messages": [{"role": "user", "content": "{body}"}]}),
    output_type=["bug", "feature"],
    run_id="dag/task/run",
)
def memory(name):
    with open("/proc/self/status") as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith(name + ":"))

imports = memory("VmRSS")
staged = stage(asked, RunStore(ObjectStoragePath(sys.argv[2])), Offline())
above = memory("VmHWM") - imports  # ru_maxrss would begin with the parent's
print(json.dumps({"rows": staged.rows, "requests": staged.requests, "above": above}))
"""


@pytest.mark.long
def test_staging_in_bounded_memory(tmp_path: Path):
    """A million rows of 800 bytes take 220 MB above the first imports, each further row 32 bytes at most."""
    million, three = (above(tmp_path, rows) for rows in (1_000_000, 3_000_000))

    further = (three - million) / 2_000_000
    sys.stderr.write(f"staging: {million / MB:.0f} MB, and {further:.1f} bytes a further row\n")
    assert million <= 220 * MB
    assert three - million <= 32 * 2_000_000


def above(folder: Path, rows: int) -> int:
    """Stage this many rows in a process of its own; return its peak above what its imports took."""
    source = folder / f"{rows}.parquet"
    write_texts(source, rows)
    command = [sys.executable, "-c", PROGRAM, f"file://{source}", f"file://{folder}/runs/{rows}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    source.unlink()
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["rows"] == told["requests"] == rows
    return int(told["above"])


def write_texts(path: Path, rows: int) -> None:
    """Write ids and texts of about 800 bytes."""
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(2_000)]
    schema = pa.schema([("id", pa.int64()), ("body", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, 10_000):
            ids = range(start, start + 10_000)
            texts = [f"{n} " + " ".join(chance.choices(words, k=99)) for n in ids]
            writer.write_table(pa.table({"id": ids, "body": texts}, schema=schema))
