"""Sixteen processes that make one new table at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.tables.conftest import Warehouse

ROOT = Path(__file__).parents[3]
PROCESSES = 16
#: All is imported once, before the processes part.
PROGRAM = """
import multiprocessing, sys
from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.tables.resolve import resolve_target
from tests.tables.ends import write
from tests.tables.factories import make_landing

conn_id, processes = sys.argv[1], int(sys.argv[2])
resolve_target(arguments.Target(conn_id=conn_id, table="labels"))
parted = multiprocessing.get_context("fork")
start, done = parted.Barrier(processes), parted.Queue()

def load(number):
    start.wait()
    written = write(conn_id, make_landing(run_id=f"run/{number}"), {"id": 2 * number}, {"id": 2 * number + 1})
    done.put((written.written, written.kept))

for number in range(processes):
    parted.Process(target=load, args=(number,)).start()
print([done.get() for _ in range(processes)])
"""


@pytest.mark.long
def test_sixteen_processes_make_one_table(warehouse: Warehouse) -> None:
    """Each lands its rows, at once where the database can, else one after the other."""
    command = [sys.executable, "-c", PROGRAM, warehouse.conn_id, str(PROCESSES)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=600)

    assert done.stdout.splitlines()[-1] == str([(2, 0)] * PROCESSES)
    rows = warehouse.execute("SELECT id FROM labels ORDER BY id")
    assert [row[0] for row in rows] == list(range(2 * PROCESSES))
