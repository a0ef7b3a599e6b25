"""A large load into DuckDB: memory that does not grow with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MB = 1_000_000
PROGRAM = """
import json, sys
import pyarrow as pa
from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.tables.resolve import resolve_target
from tests.tables.factories import MONDAY, TUESDAY, make_landing, nothing

rows = int(sys.argv[1])
landing = make_landing(pa.field("answer", pa.string()))

def batches(at):
    for start in range(0, rows, 4096):
        ids = range(start, min(rows, start + 4096))
        texts = [f"{n} " + f"{n * 2654435761 % 2**64:x}" * 25 for n in ids]
        told = {"id": ids, "answer": texts, "batch_status": ["ok"] * len(ids),
                "batch_custom_id": [f"{n:032x}" for n in ids], "batch_snapshot_at": [at] * len(ids)}
        columns = [pa.array(told[f.name], f.type) if f.name in told else pa.nulls(len(ids), f.type)
                   for f in landing.schema]
        yield pa.RecordBatch.from_arrays(columns, schema=landing.schema)

def memory(name):
    with open("/proc/self/status") as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith(name + ":"))

target = resolve_target(arguments.Target(conn_id="warehouse", table="labels"))
target.check(landing)
imports = memory("VmRSS")
done = [target.write(landing, batches(at), nothing).written for at in (MONDAY, TUESDAY)]
print(json.dumps({"done": done, "above": memory("VmHWM") - imports}))
"""


@pytest.mark.long
def test_a_merge_into_duckdb_in_bounded_memory(tmp_path: Path) -> None:
    """New rows, and then the same rows again: 600,000 take what 100,000 take, and 48 bytes a further row."""
    few, many = (above(tmp_path, rows) for rows in (100_000, 600_000))

    sys.stderr.write(f"DuckDB: {few / MB:.0f} MB for 100,000 rows, {many / MB:.0f} MB for 600,000\n")
    assert many - few <= 64 * MB + 48 * 500_000


def above(folder: Path, rows: int) -> int:
    """Load this many rows twice in a process of its own; return its peak above what its imports took."""
    warehouse = {"conn_type": "duckdb", "host": str(folder / f"{rows}.duckdb")}
    environment = os.environ | {"AIRFLOW_CONN_WAREHOUSE": json.dumps(warehouse), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["done"] == [rows, rows]
    return int(told["above"])
