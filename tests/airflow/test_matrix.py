"""What each ending of a run does to the task that waits: alike however it waits."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from tests.airflow.conftest import DAY, REQUEST, Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MATRIX = """
outcome    mode        soft_fail  retries  timeout  submit   wait     tries  load             batches  table

completed  deferrable  no         0        -        success  success  1      success          1        ok 4
completed  poke        yes        2        1 h      success  success  1      success          1        ok 4
completed  reschedule  no         2        -        success  success  1      success          1        ok 4
completed  reschedule  yes        0        1 h      success  success  1      success          1        ok 4

expired    deferrable  yes        2        1 h      success  success  1      success          2        ok 4
expired    poke        no         0        -        success  success  1      success          2        ok 4
expired    reschedule  yes        0        -        success  success  1      success          2        ok 4
expired    deferrable  no         0        1 h      success  success  1      success          2        ok 4

failed     deferrable  yes        0        -        success  success  1      failed           1        error 4
failed     poke        no         2        1 h      success  success  1      failed           1        error 4
failed     reschedule  yes        2        1 h      success  success  1      failed           1        error 4
failed     poke        yes        0        -        success  success  1      failed           1        error 4

refused    deferrable  yes        2        -        success  failed   1      upstream_failed  1        none
refused    poke        yes        0        1 h      success  failed   1      upstream_failed  1        none
refused    reschedule  no         0        1 h      success  failed   1      upstream_failed  1        none
refused    reschedule  yes        2        -        success  failed   1      upstream_failed  1        none

timed out  deferrable  no         2        1 s      success  failed   1      upstream_failed  1        none
timed out  deferrable  yes        0        1 s      success  skipped  1      skipped          1        none
timed out  poke        no         0        1 s      success  failed   1      upstream_failed  1        none
timed out  poke        yes        2        1 s      success  skipped  1      skipped          1        none
timed out  reschedule  no         0        1 s      success  failed   1      upstream_failed  1        none
timed out  reschedule  yes        2        1 s      success  skipped  1      skipped          1        none

401        deferrable  yes        2        1 h      success  failed   1      upstream_failed  1        none
401        poke        yes        0        -        success  failed   1      upstream_failed  1        none
401        reschedule  yes        2        1 h      success  failed   1      upstream_failed  1        none
401        reschedule  no         0        -        success  failed   1      upstream_failed  1        none
"""
MODES = {
    "deferrable": {},
    "poke": {"deferrable": False, "mode": "poke"},
    "reschedule": {"deferrable": False},
}
TIMEOUTS = {"-": None, "1 h": 3_600, "1 s": 1}
ROWS = 4
# Looks that show nothing yet: four of submit, one at the start of wait, and two while it waits.
QUIET = 7
DENIED_AFTER = 3
A_DAY = 90_000
DAG = """
import http.client, json
from datetime import datetime, timedelta, timezone
from airflow.providers.common.compat.sdk import DAG, task
from airflow_provider_openai_batch import OpenAIBatchTaskGroup

@task
def night(port):
    server = http.client.HTTPConnection("127.0.0.1", port)
    server.request("POST", "/admin/clock", json.dumps({{"advance": {night}}}))
    assert server.getresponse().status == 200

with DAG({dag_id!r}, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
    for name, (port, arguments) in {groups!r}.items():
        OpenAIBatchTaskGroup(name, **arguments)
        if port:
            passed = night.override(task_id=name + "_night")(port)
            dag.get_task(name + ".submit") >> passed >> dag.get_task(name + ".wait")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the matrix: what is set, and in what it ends."""

    outcome: str
    mode: str
    soft_fail: str
    retries: str
    timeout: str
    ends: str

    @property
    def name(self) -> str:
        """Name the group, the connection, and the table."""
        words = (self.outcome, self.mode, self.soft_fail, self.retries, self.timeout.replace("-", "none"))
        return "c_" + "_".join(words).replace(" ", "")

    @property
    def settings(self) -> tuple[str, ...]:
        """Return what the case is made of."""
        return (self.outcome, self.mode, self.soft_fail, self.retries, self.timeout)


def read_matrix() -> list[Case]:
    head, *lines = filter(None, MATRIX.splitlines())
    names = ("outcome", "mode", "soft_fail", "retries", "timeout")
    starts = [*map(head.index, names), head.index("submit")]
    return [
        Case(
            **{name: line[a:b].strip() for name, (a, b) in zip(names, pairwise(starts), strict=True)},
            ends=line[starts[-1] :],
        )
        for line in lines
    ]


CASES = read_matrix()


def test_the_matrix_has_every_pair():
    """Any two settings meet in some case; only the time-out has a second to spare, and nothing else."""
    seen = {pair for case in CASES for pair in combinations(enumerate(case.settings), 2)}
    values = [sorted({case.settings[place] for case in CASES}) for place in range(5)]
    pairs = {
        pair
        for (a, first), (b, second) in combinations(enumerate(values), 2)
        for pair in product(product([a], first), product([b], second))
    }
    never = {pair for pair in pairs if (pair[0][1] == "timed out") != (pair[1][1] == "1 s")}
    never = {pair for pair in never if (pair[0][0], pair[1][0]) == (0, 4)}

    assert pairs - seen == never


def prepare(emulator: OpenAIBatchEmulator, outcome: str) -> None:
    """Let the API end the first batch so; it keeps quiet about it for some looks."""
    hidden = {"word": "in_progress", "times": QUIET}
    match outcome:
        case "completed" | "refused":
            emulator.fault("status_word", status="completed", **hidden)
        case "expired":
            emulator.fault("expire", times=1)
            emulator.fault("status_word", status="expired", **hidden)
        case "failed":
            emulator.fault("fail_validation", lines=[None])
            emulator.fault("status_word", status="failed", **hidden)
        case "timed out":
            emulator.take(A_DAY)
        case "401":
            emulator.take(A_DAY)
            emulator.fault("unauthorized", route="retrieve", skip=DENIED_AFTER)
    if outcome == "refused":
        emulator.fault("fail_all", times=1, permanent=False)
        emulator.fault("azure_error", skip=1)


@pytest.fixture
def emulators(tmp_path: Path, connection: Any) -> Iterator[dict[str, OpenAIBatchEmulator]]:
    """Start an API of its own for each case."""
    started = {}
    with ExitStack() as stack:
        for case in CASES:
            emulator = started[case.name] = OpenAIBatchEmulator(tmp_path / "api" / case.name)
            emulator.start()
            stack.callback(emulator.stop)
            prepare(emulator, case.outcome)
            connection(case.name, **emulator.connection)
        yield started


def group_of(case: Case) -> dict[str, Any]:
    return {
        "source": {"conn_id": "warehouse", "table": "tickets", "key": "id"},
        "request": REQUEST,
        "target": {"conn_id": "warehouse", "table": case.name},
        "openai_conn_id": case.name,
        "wait": MODES[case.mode]
        | {"soft_fail": case.soft_fail == "yes", "retries": int(case.retries), "retry_delay": 0.1}
        | {"timeout": TIMEOUTS[case.timeout], "poke_interval": 0.2, "max_wait": 1},
    }


def landed(warehouse: Warehouse, table: str) -> str:
    try:
        counts = warehouse.query(f"select batch_status, count(*) from {table} group by 1 order by 1")
    except sqlite3.OperationalError:
        return "none"
    return ", ".join(f"{status} {count}" for status, count in counts)


def test_every_case_ends_as_it_says(run_dag, warehouse, emulators, tmp_path):
    """Each task's state, the tries of wait, how many batches exist, and what is in the table."""
    warehouse.fill(ROWS)
    ports = {case.name: case.outcome == "expired" and emulators[case.name]._port for case in CASES}
    groups = {case.name: (ports[case.name], group_of(case)) for case in CASES}
    source = tmp_path / "matrix.py"
    source.write_text(DAG.format(dag_id="matrix", groups=groups, night=A_DAY))

    tasks = {task.task_id: task for task in run_dag(source, DAY).get_task_instances()}

    def ending(case: Case) -> str:
        submit, wait, load = (tasks[f"{case.name}.{name}"] for name in ("submit", "wait", "load"))
        batches = len(emulators[case.name].batches())
        return (
            f"{submit.state!s:9}{wait.state!s:9}{wait.try_number!s:7}{load.state!s:17}{batches!s:9}"
            f"{landed(warehouse, case.name)}"
        )

    assert {case.settings: ending(case) for case in CASES} == {case.settings: case.ends for case in CASES}
