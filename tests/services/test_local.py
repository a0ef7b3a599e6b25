"""`make airflow` starts what a person can click, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import version
from urllib.request import Request, urlopen

import psutil
import pytest

from tests.servers import own_folder
from tests.services.composed import ROOT

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


def test_it_shows_the_examples_and_ctrl_c_leaves_nothing_running(started, folder):
    """What is said to be ready is: the DAG is there, no file is broken; then Ctrl-C, and all has ended."""
    process, api = started

    assert call(f"{api}{DAG}", "PATCH", {"is_paused": False})["dag_id"] == "nightly_classification"
    assert call(f"{api}/api/v2/importErrors")["import_errors"] == []

    assert own_processes(folder)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert not own_processes(folder)


def test_a_part_that_ends_by_itself_ends_everything(started, folder):
    """Nobody clicks for long in an Airflow without a scheduler: its log is shown, and the rest is stopped."""
    process, _ = started
    scheduler = next(p for p in own_processes(folder) if "scheduler" in p.cmdline()[-1:])

    scheduler.kill()

    assert process.wait(timeout=60) == 1
    assert "scheduler has ended by itself; the end of its log:" in process.stdout.read()
    assert not own_processes(folder)
