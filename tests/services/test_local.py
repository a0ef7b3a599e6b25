"""`make airflow` starts what a person can click, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import version
from urllib.parse import quote
from urllib.request import Request, urlopen

import psutil
import psycopg
import pytest

from tests.servers import own_folder
from tests.services.composed import ROOT
from tests.services.stack import until

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(version("apache-airflow").startswith("2."), reason="the services are of Airflow 3"),
]

DAG = "/api/v2/dags/nightly_classification"


@pytest.fixture
def folder():
    """Make a folder for it."""
    with own_folder("services-") as made:
        yield made


@pytest.fixture
def started(folder):
    """Start it as `make airflow` does, and wait until it says that it is ready."""
    command = [sys.executable, "-m", "tests.services.local", "--folder", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield process, next(line.split()[3] for line in process.stdout if line.startswith("Airflow is ready"))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def own_processes(folder):
    """Find what still runs in this folder, PostgreSQL among it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if str(folder) in " ".join(process.cmdline()) or str(folder) in str(process.environ()):
                found.append(process)
    return found


def call(url, method="GET", body=None):
    """Ask Airflow's API without a login, as the browser does."""
    token = json.load(urlopen(url.split("/api/")[0] + "/auth/token"))["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, headers, method=method)) as answer:
        return json.load(answer)


def query(folder, sql):
    """Ask the warehouse, as the command does that is shown when all is ready."""
    socket = (folder / "postgres/postmaster.pid").read_text().splitlines()[4]
    with psycopg.connect(host=socket, user="postgres", dbname="warehouse") as connected:
        return connected.execute(sql).fetchall()


def run_example(api):
    """Switch the DAG on and trigger it, as a person does; return how to ask for the state of the run."""
    assert call(f"{api}{DAG}", "PATCH", {"is_paused": False})["dag_id"] == "nightly_classification"
    run = call(f"{api}{DAG}/dagRuns", "POST", {"logical_date": None})["dag_run_id"]
    return lambda: call(f"{api}{DAG}/dagRuns/{quote(run)}")["state"]


def stop(process, folder, how):
    """End it, and look for what is left; a process of it was there before."""
    assert own_processes(folder)
    process.send_signal(how)
    assert process.wait(timeout=60) == 0
    assert not own_processes(folder)


def test_an_example_runs_and_ctrl_c_leaves_nothing_running(started, folder):
    """What is said to be ready is: no file is broken, and a run of the first DAG labels its tickets."""
    process, api = started
    assert call(f"{api}/api/v2/importErrors")["import_errors"] == []

    state = run_example(api)

    assert until(lambda: (ended := state()) in {"success", "failed"} and ended) == "success"
    ((asked, labelled, ok),) = query(
        folder,
        "select (select count(*) from tickets where day between current_date - 7 and current_date - 1),"
        " count(*), count(*) filter (where batch_status = 'ok' and category is not null) from ticket_labels",
    )
    assert labelled == asked
    assert asked * 0.9 <= ok <= asked
    stop(process, folder, signal.SIGINT)


def test_sigterm_leaves_nothing_running(started, folder):
    """Neither the services nor a run that waits for its batch."""
    process, api = started
    run_example(api)
    waiting = f"{api}/api/v2/dags/~/dagRuns/~/taskInstances?state=deferred"
    until(lambda: call(waiting)["total_entries"])

    stop(process, folder, signal.SIGTERM)


def test_a_part_that_ends_by_itself_ends_everything(started, folder):
    """Nobody clicks for long in an Airflow without a scheduler: its log is shown, and the rest is stopped."""
    process, _ = started
    scheduler = next(p for p in own_processes(folder) if "scheduler" in p.cmdline()[-1:])

    scheduler.kill()

    assert process.wait(timeout=60) == 1
    assert "scheduler has ended by itself; the end of its log:" in process.stdout.read()
    assert not own_processes(folder)
