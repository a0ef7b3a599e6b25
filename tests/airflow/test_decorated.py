"""The decorated form after kills, errors, and clears: no row is lost, and none is paid for twice."""

from __future__ import annotations

import json
import runpy
import shutil
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from airflow_provider_openai_batch.links import airflow_version
from tests.airflow.resumed import clear, go_on, notice_deaths, run_and_die, run_of

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(airflow_version() < (3, 3), reason="Airflow's loop of dag.test() is that of 3.3"),
]

#: Seconds after which a create without an answer does nothing more.
DOUBT = 700
numbers = count()
ALL = {"tickets.submit": "success", "tickets.wait": "success", "tickets.load": "success"}


class Decorated:
    """A DAG of one decorated function, and the file of rows that it yields."""

    def __init__(self, folder, file):
        self.folder, self.file = folder, file
        shutil.copyfile(Path(__file__).with_name("decorated.py"), file)
        self.write(red=range(5))

    def write(self, **teams):
        rows = {
            team: [{"id": f"{team}-{n}", "text": f"{team} {n}"} for n in ids] for team, ids in teams.items()
        }
        (self.folder / "rows.json").write_text(json.dumps(rows))

    @property
    def dag(self):
        return runpy.run_path(str(self.file))["dag"]

    @property
    def calls(self):
        return len((self.folder / "calls").read_text())


@pytest.fixture
def made(airflow_db, airflow_home, warehouse, openai_batch_emulator, tmp_path, monkeypatch):
    """A DAG of the test's own."""
    monkeypatch.setenv("DECORATED_FOLDER", str(tmp_path))
    return Decorated(tmp_path, airflow_home / "dags" / f"decorated_{next(numbers)}.py")


def landed(warehouse):
    return Counter(warehouse.query("select id, batch_status from answers"))


def times(emulator):
    """Return how often each text was asked."""
    return {entry.body["messages"][0]["content"]: entry.times for entry in emulator.ledger}


@pytest.mark.parametrize(
    ("when", "calls"),
    [
        ("half-way", 2),  # of the function
        ("1:/done.json", 2),  # the rows are staged, but for the mark that says so
        ("1:/intent.json", 1),  # nothing is sent
        ("2:/intent.json", 1),  # one batch exists, two do not
        ("2:/batches/", 1),  # two exist, one of which is not recorded
        ("sent", 1),  # all is sent, and Airflow does not know it
    ],
)
def test_a_kill_between_the_steps_of_submit(made, warehouse, openai_batch_emulator, when, calls):
    """The retry calls the function only if the rows were not staged yet, and sends what is missing."""
    run_id = run_and_die(made.file, when)
    dead = notice_deaths(made.dag, run_id)
    openai_batch_emulator.advance(DOUBT)
    states = go_on(made.dag, run_id)

    assert (dead, states) == (["tickets.submit"], ALL)
    assert landed(warehouse) == {(f"red-{n}", "ok"): 1 for n in range(5)}
    assert times(openai_batch_emulator) == {f"red {n}": 1 for n in range(5)}
    assert made.calls == calls


def test_a_function_that_raises_half_way(made, warehouse, openai_batch_emulator):
    """Nothing was sent before the error; the retry reads from the start."""
    (made.folder / "broken").touch()

    made.dag.test()

    assert landed(warehouse) == {(f"red-{n}", "ok"): 1 for n in range(5)}
    assert times(openai_batch_emulator) == {f"red {n}": 1 for n in range(5)}
    assert made.calls == 2


def test_a_clear_of_load(made, warehouse, openai_batch_emulator):
    """It lands the same rows once more from the run folder, and calls neither function nor API."""
    made.dag.test()
    run_id = run_of(made.file.stem)
    before = landed(warehouse)

    clear(made.dag, run_id, "tickets.load")
    states = go_on(made.dag, run_id)

    assert (states, landed(warehouse)) == (ALL, before)
    assert times(openai_batch_emulator) == {f"red {n}": 1 for n in range(5)}
    assert made.calls == 1


def test_a_clear_of_submit(made, warehouse, openai_batch_emulator):
    """The function is called anew: what it adds is asked, what it still yields is not."""
    made.dag.test()
    run_id = run_of(made.file.stem)
    made.write(red=range(2, 7))

    clear(made.dag, run_id, *ALL)
    states = go_on(made.dag, run_id)

    assert states == ALL
    assert landed(warehouse) == {(f"red-{n}", "ok"): 1 for n in range(7)}
    assert times(openai_batch_emulator) == {f"red {n}": 1 for n in range(7)}
    assert made.calls == 2


def test_a_kill_of_one_mapped_instance(made, warehouse, openai_batch_emulator, monkeypatch):
    """The other instance keeps its batches, and the function is not called again for it."""
    monkeypatch.setenv("DECORATED_TEAMS", "red blue")
    made.write(red=range(5), blue=range(2))

    run_id = run_and_die(made.file, "1:/batches/")
    dead = notice_deaths(made.dag, run_id)
    openai_batch_emulator.advance(DOUBT)
    states = go_on(made.dag, run_id)

    assert dead == ["tickets.submit"]
    assert set(states.values()) == {"success"}
    assert landed(warehouse) == {(f"red-{n}", "ok"): 1 for n in range(5)} | {
        (f"blue-{n}", "ok"): 1 for n in range(2)
    }
    assert set(times(openai_batch_emulator).values()) == {1}
    assert made.calls == 2
