"""Commands by one name: status shows, cancel stops, and both end with a code that a script can use."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, get_args

import pytest

from airflow_provider_openai_batch import cancel, purge, status
from airflow_provider_openai_batch.__main__ import COMMANDS
from airflow_provider_openai_batch.batch.decisions.actions import Action
from airflow_provider_openai_batch.steps.maintenance.run_status import NEXT_STEPS
from tests.steps import conftest as steps

if TYPE_CHECKING:
    from collections.abc import Callable

pipeline = steps.pipeline
USAGE = 2


@pytest.fixture(autouse=True)
def connected(pipeline: Any, connection: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands find the emulator and the runs as Airflow's configuration says."""
    emulator = pipeline.emulator
    connection("openai_default", conn_type="openai_batch", host=emulator.base_url, password=emulator.api_key)
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", f"file://{pipeline.folder}/runs")


def shown(capsys: pytest.CaptureFixture[str], *given: str) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code and what status writes as JSON."""
    capsys.readouterr()
    code = status.main([*given, "--json"])
    return code, json.loads(capsys.readouterr().out)["runs"]


def python_m(*given: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does."""
    command = [sys.executable, "-m", "airflow_provider_openai_batch", *given]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def test_status_of_a_run_in_flight(pipeline: Any, capsys: pytest.CaptureFixture[str]):
    """State, batches, progress, and the reason of the wait; nothing is changed by looking."""
    pipeline.submit()
    before = pipeline.store.list()

    code, (run,) = shown(capsys, pipeline.store.uri)

    assert code == 0
    assert run["run_uri"] == pipeline.store.uri
    assert run["run"] == "dag/task/run"
    assert run["state"] == "in_flight"
    assert run["requests"] == {"requests": 10, "answered": 0, "in_flight": 10, "held": 0}
    assert [batch["requests"] for batch in run["batches"]] == [10]
    assert "1 batch (" in run["waits_for"][0]
    assert pipeline.store.list() == before


def test_status_of_a_batch_that_has_ended_says_who_goes_on(pipeline: Any, capsys: pytest.CaptureFixture[str]):
    """What the wait task will do is said in words, of each kind of action."""
    pipeline.submit()
    pipeline.emulator.advance(3_600)

    _, (run,) = shown(capsys, pipeline.store.uri)

    assert "the wait task, which is to collect answers (1)" in run["waits_for"]
    assert set(NEXT_STEPS) == set(get_args(Action))


def test_status_of_a_landed_run(pipeline: Any, capsys: pytest.CaptureFixture[str]):
    """A run that is done waits for nothing, and says what it cost."""
    pipeline.emulator.restart(seconds_to_complete=0)
    pipeline.run()

    code, (run,) = shown(capsys, "dag")

    assert (code, run["state"], run["waits_for"]) == (0, "landed", [])
    assert run["cost_usd"] is None  # this connection has no prices
    assert run["batches"][0]["answers"] == {"ok": 10}


def test_status_without_an_argument_lists_all_runs(pipeline: Any, capsys: pytest.CaptureFixture[str]):
    """All runs below the work path are shown, in words where nobody asks for JSON."""
    pipeline.submit()
    pipeline.name = "next"
    pipeline.stage()

    assert status.main([]) == 0

    said = capsys.readouterr().out
    assert "dag/task/run: in_flight, 0 of 10 requests answered" in said
    assert "dag/task/next: " in said


@pytest.mark.parametrize("what", ["no_such_dag", "/no/such/folder"])
def test_status_of_nothing_is_found_out(what: str, capsys: pytest.CaptureFixture[str]):
    """A name that is misspelt is not a run that is well."""
    assert status.main([what]) == 1
    assert what in capsys.readouterr().err


def test_status_of_a_run_that_cannot_be_read_shows_the_others(
    pipeline: Any, capsys: pytest.CaptureFixture[str]
):
    """One bad folder hides no good one, and the exit code tells of it."""
    pipeline.submit()
    pipeline.name = "strange"
    pipeline.stage()
    name = next(name for name in pipeline.store.list() if name.startswith("attempts/"))
    (pipeline.folder / "runs/dag/task/strange" / name).write_text('{"format": 99}')

    code, runs = shown(capsys, "dag")

    assert code == 1
    assert sorted(run["state"] for run in runs) == ["in_flight", "unreadable"]


def test_cancel_stops_what_runs_and_keeps_what_is_done(pipeline: Any, capsys: pytest.CaptureFixture[str]):
    """The batches end, nothing is sent again, and what they have finished lands."""
    pipeline.submit()
    pipeline.emulator.advance(300)

    assert cancel.main([pipeline.store.uri]) == 0

    assert "1 batch of" in capsys.readouterr().out
    assert [batch["status"] for batch in pipeline.emulator.batches()] == ["cancelling"]
    pipeline.wait()
    assert len(pipeline.emulator.batches()) == 1


def test_cancel_holds_back_what_is_not_sent(pipeline: Any, capsys: pytest.CaptureFixture[str]):
    """Shards that wait for room are not sent after a cancel; a clear of submit sends them."""
    pipeline.stage()

    assert cancel.main([pipeline.store.uri]) == 0

    said = capsys.readouterr().out
    assert "has no batch in flight." in said
    assert "paid for" not in said
    assert "cancel" in pipeline.advance().error
    assert pipeline.emulator.batches() == []
    code, (run,) = shown(capsys, pipeline.store.uri)
    assert (code, run["state"]) == (1, "stopped")
    pipeline.submit(try_number=2, max_tries=1)
    pipeline.wait()
    assert pipeline.load().counts == {"ok": 10}


def test_cancel_that_only_shows(pipeline: Any):
    """`--dry-run` cancels nothing and writes nothing."""
    pipeline.submit()
    before = pipeline.store.list()

    assert cancel.main([pipeline.store.uri, "--dry-run"]) == 0

    assert pipeline.store.list() == before


@pytest.mark.parametrize("command", [cancel.main, purge.main, status.main])
def test_an_empty_name_is_refused(command: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]):
    """A variable that is not set does not stand for all runs."""
    assert command([""]) == 1
    assert "leave it out" in capsys.readouterr().err


def test_cancel_of_no_run(pipeline: Any, capsys: pytest.CaptureFixture[str]):
    """A folder without a run is said to be none."""
    assert cancel.main([f"file://{pipeline.folder}/elsewhere"]) == 1
    assert "no staged run" in capsys.readouterr().err


def test_every_command_helps():
    """One name shows all commands; a wrong one is a wrong use."""
    helped = python_m("--help")

    assert helped.returncode == 0
    assert all(name in helped.stdout for name in COMMANDS)
    assert python_m("no_such_command").returncode == USAGE
    assert python_m().returncode == USAGE


#: Ask each module for its help in one process, for each start imports Airflow.
HELPS = """
import contextlib, io, json, runpy, sys, warnings
warnings.simplefilter("ignore")
told = {}
for module, *given in json.loads(sys.argv[1]):
    sys.argv = [module, *given]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            told[" ".join(sys.argv)] = [end.code, said.getvalue()]
print(json.dumps(told))
"""


def test_a_command_is_reached_by_both_names():
    """`airflow_provider_openai_batch purge` and `airflow_provider_openai_batch.purge` are the same."""
    package = "airflow_provider_openai_batch"
    asked = [
        call for name in COMMANDS for call in ([package, name, "--help"], [f"{package}.{name}", "--help"])
    ]

    command = [sys.executable, "-c", HELPS, json.dumps(asked)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)

    told = json.loads(done.stdout.splitlines()[-1])
    for name in COMMANDS:
        code, words = told[f"{package} {name} --help"]
        assert code == 0
        assert words.startswith(f"usage: python -m airflow_provider_openai_batch {name} ")
        assert told[f"{package}.{name} --help"] == [code, words]
