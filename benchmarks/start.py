"""What a task costs before its first row, and a DAG file each time that it is parsed."""

from __future__ import annotations

import importlib
import json
import os
import runpy
import statistics
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contest import Rounds, workshop
from benchmarks.lines import Line, missing, of_rounds
from benchmarks.rows import write_parquet

if TYPE_CHECKING:
    from benchmarks.children import Usage
    from benchmarks.contest import Workshop
    from benchmarks.lines import Bench

#: Each task, and the step of `benchmarks.ours` that does what it does.
TASKS = {"submit": "submit", "wait": "collect", "load": "load"}
MOST_SECONDS, MOST_MS = 1.2, 25.0
PACKAGE = "airflow_provider_openai_batch"
#: What Airflow has imported before it runs a task, and before it parses a file; each where there is one.
RUNNING = ("airflow.sdk.execution_time.task_runner", "airflow.task.standard_task_runner")
PARSING = ("airflow.dag_processing.processor",)
EXAMPLE = Path(__file__).parents[1] / "example_dags/nightly_classification.py"
EMPTY = """
from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

with DAG(dag_id="empty", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC")) as dag:
    pass
"""
#: How often each file is parsed, each time in a new process.
PARSED, QUICK_PARSED = 30, 10


def start(bench: Bench) -> list[Line]:
    """Run each task on two rows in a new process, and import what it has imported in another one."""
    found, pandas = Rounds(1), {}
    with workshop(bench) as shop:
        source = write_parquet(shop.folder / "rows.parquet", 2)
        for _ in range(bench.rounds):
            folder = shop.fresh()
            for task in TASKS:
                run = partial(_run, shop, task, source=source, folder=folder)
                found.measure(f"{task}, the task", run)
                imports = partial(bench.measure, f"{__name__}:import_all", folder=folder, task=task)
                found.measure(task, imports)
                if task == "submit":
                    shop.finish_batches()
                if task not in found.failed:
                    pandas[task] = "pandas" in _imported(folder, task)["others"]
    return [_line(task, found, with_pandas=pandas.get(task, False)) for task in TASKS]


def dag_file(bench: Bench) -> list[Line]:
    """Parse a file with the task group and an empty one, in turn, each time in a new process."""
    with tempfile.TemporaryDirectory(prefix="dags-") as folder:
        Path(folder, "empty.py").write_text(EMPTY)
        bench.measure(f"{__name__}:parse", folder=folder, times=QUICK_PARSED if bench.quick else PARSED)
        rounds = json.loads(Path(folder, "parsed.json").read_text())
    above = [(full - empty) * 1_000 for full, empty in rounds]
    return [
        Line(
            what="DAG file with the task group, CPU above an empty one",
            ours=f"{statistics.median(full for full, _ in rounds) * 1_000:.1f} ms",
            theirs=f"{statistics.median(empty for _, empty in rounds) * 1_000:.1f} ms",
            share=statistics.median(above),
            between=(min(above), max(above)),
            limit=MOST_MS,
            unit="ms",
        )
    ]


def _run(shop: Workshop, task: str, **given: Any) -> Usage:
    return shop.bench.measure(f"{__name__}:run", task=task, api=shop.emulator.connection, **given)


def _line(task: str, found: Rounds, *, with_pandas: bool) -> Line:
    what = f"start of {task}: imports of our modules, CPU above Airflow's"
    if why := found.why_not(task):
        return missing(what, why, MOST_SECONDS)
    share, between = of_rounds(found.cpu(task))
    whole = statistics.median(found.cpu(f"{task}, the task"))
    also = ", pandas by pyarrow" if with_pandas else ""
    return Line(
        what=what,
        ours=f"{whole:.2f} s with the task on two rows{also}",
        share=share,
        between=between,
        limit=MOST_SECONDS,
        unit="s",
    )


def warm(**given: Any) -> None:
    """Import what Airflow has imported before it does anything of ours."""
    for name in PARSING if "times" in given else RUNNING:
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)


def run(task: str, folder: str, **given: Any) -> None:
    """Run a task as a new process does, and note what it has imported."""
    before = set(sys.modules)
    ours = importlib.import_module("benchmarks.ours")
    getattr(ours, TASKS[task])(folder=folder, **given)
    new = [name for name in sys.modules if name not in before]
    own = [name for name in new if name.split(".")[0] == PACKAGE]
    others = sorted({name.split(".")[0] for name in new} - {PACKAGE})
    Path(folder, f"{task}.json").write_text(json.dumps({"own": own, "others": others}))


def import_all(task: str, folder: str) -> None:
    """Import the modules of ours that a task has imported, and with them what they need."""
    for name in _imported(folder, task)["own"]:
        importlib.import_module(name)


def parse(folder: str, times: int) -> None:
    """Parse each file in a process that has Airflow and nothing of ours, and note its CPU seconds."""
    empty = str(Path(folder, "empty.py"))
    runpy.run_path(empty)
    rounds = [[_parsed(path) for path in (str(EXAMPLE), empty)] for _ in range(times)]
    Path(folder, "parsed.json").write_text(json.dumps(rounds))


def _parsed(path: str) -> float:
    """Parse a file as Airflow's DAG processor does, in a fork."""
    if (child := os.fork()) == 0:
        code = 1
        try:
            runpy.run_path(path)
            code = 0
        finally:
            os._exit(code)
    _, status, used = os.wait4(child, 0)
    if status != 0:
        raise RuntimeError("A DAG file cannot be parsed; its error is above.")
    return used.ru_utime + used.ru_stime


def _imported(folder: str, task: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(Path(folder, f"{task}.json").read_text())
    return found
