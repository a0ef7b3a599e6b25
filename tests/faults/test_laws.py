"""The judge sees each breach of a law: a judge that never says no proves nothing."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import openai
import pytest
from msgspec.structs import replace

from airflow_provider_openai_batch.batch.decisions.actions import GiveUp, Wait
from airflow_provider_openai_batch.steps.run_folder.journal import run_hash
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from tests.faults.__main__ import broke, read_arguments, table, table_of_one
from tests.faults.combinations import played
from tests.faults.draw import CANARY, KEY, Combination
from tests.faults.parts import fits, jobs
from tests.faults.seen import judge
from tests.faults.words import in_words
from tests.laws.figures import Figures
from tests.laws.remains import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.play import Play


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    """A run that nothing disturbed."""
    plan = Combination(seed=1, rows=12, requests_per_shard=6, max_attempts=3, calm=1, strikes=())
    with played(plan, tmp_path) as done:
        assert judge(done) == (Figures(), [])
        yield done


def spoil(play: Play, statement: str) -> None:
    """Change the target behind the back of the run."""
    with sqlite3.connect(play.world.folder / "warehouse.sqlite") as connected:
        connected.execute("drop index if exists answers_key")
        connected.execute(statement)


def test_lost_and_mixed_up_rows(play: Play):
    """A row that is missing, and one with the answer of another one."""
    spoil(play, "delete from answers where id = 3")
    spoil(play, "update answers set answer = 'else' where id = 4")

    assert judge(play)[0].rows_lost == 2


def test_answers_that_were_thrown_away(play: Play):
    """A row without an answer, though one was paid for."""
    spoil(play, "update answers set batch_status = 'missing' where id = 5")

    assert judge(play)[0].rows_lost == 1


def test_rows_that_nobody_asked_for(play: Play):
    """A key that no load has landed."""
    spoil(play, "update answers set id = 77 where id = 5")

    assert judge(play)[0].rows_duplicated_in_the_target == 1


def test_remote_files(play: Play):
    """An input file that stays."""
    api = openai.OpenAI(base_url=play.world.emulator.base_url, api_key=KEY)
    api.files.create(file=("left.jsonl", b"{}\n"), purpose="batch")

    assert judge(play)[0].remote_files_left == 1


def test_files_of_unclear_uploads(play: Play):
    """A file of the run's own name that no send knows."""
    api = openai.OpenAI(base_url=play.world.emulator.base_url, api_key=KEY)
    name = f"{run_hash(play.world.store)}-shard.jsonl"
    api.files.create(file=(name, b"{}\n"), purpose="batch")

    assert judge(play)[0].files_left_by_unclear_uploads == 1


def test_answers_of_another(play: Play):
    """A batch that a second send takes for its own, too."""
    first = read_run(play.world.store).sends[0]
    folder = first.folder[:-1] + "x"
    play.world.store.put(f"{folder}/intent.json", replace(first.intent, file_id="file-other"))
    play.world.store.put(f"{folder}/batches/one.json", first.batches[0])

    assert judge(play)[0].answers_of_another_accepted == 2


@pytest.mark.parametrize("name", ["shards/{}/output.jsonl", ".unfinished-word"])
def test_transfers(play: Play, name: str):
    """A raw file that is longer than its requests allow, and a scratch file that nobody removed."""
    shard = read_run(play.world.store).shards[0]
    path = Path(play.world.store.uri.split("://")[-1]) / name.format(shard.id)
    path.write_bytes(bytes(shard.about.requests * MOST_BYTES + 1))

    assert judge(play)[0].transfers_without_an_end == 1


def test_partial_reads(play: Play):
    """Half a table that somebody saw."""
    play.world.warehouse.seen.add(play.world.warehouse.read()[:6])

    assert judge(play)[0].partial_reads_seen == 1


@pytest.mark.parametrize("factor", [0, 2])
def test_sums(play: Play, factor: int):
    """Rows that say less than was paid, or more."""
    spoil(play, f"update answers set batch_cost_usd = {factor} * batch_cost_usd where id = 3")

    assert judge(play)[0].sums_that_differ >= 1


def test_caps(play: Play):
    """A run that cost more than its cap, and more than its batches cost above what was estimated."""
    play.world.limits["max_cost_usd"] = 1.0

    assert judge(play)[0].caps_passed == 1


@pytest.mark.parametrize("word", [KEY, CANARY])
def test_secrets(play: Play, word: str):
    """The key or a row's text in a log line, and in a file of the run's folder."""
    play.world.ears.heard.append(f"something about {word}")
    play.world.store.put("note.json", {"note": word})

    assert judge(play)[0].secrets_found == 2


def test_one_table():
    """What was tried may be any number; what broke has to be zero."""
    good = Figures(schedules_simulated=21_000, fault_combinations_tried=1_000)

    assert not broke(good)
    assert all(
        broke(good + Figures(**{name: 1}))
        for name in asdict(good)
        if "tried" not in name and "sim" not in name
    )
    assert "fault combinations tried over HTTP 1,000" in " ".join(table(good, 60.0).split())


def test_table_of_one_combination():
    """Who plays one seed again reads nothing of schedules, crashes, and minutes."""
    told = table_of_one(Figures(fault_combinations_tried=1))

    assert told.startswith("Of this one combination:\nruns not ended")
    assert told.endswith("\nAll laws held.")
    assert "tried" not in told + table(Figures(), 30)
    assert "It took 30 seconds." in table(Figures(), 30)


@pytest.mark.parametrize(
    "typed",
    ["combinations", "combinations --numbers 5", "crashes --numbers 9", "simulation --numbers 1 2"],
)
def test_numbers_are_explained(typed: str, capsys: pytest.CaptureFixture[str]):
    """Numbers that do not fit the part are refused with an example of each."""
    with pytest.raises(SystemExit):
        read_arguments(["--part", *typed.split()])

    assert "--part combinations --numbers 50 1" in capsys.readouterr().err


def test_jobs_fit():
    """What `make faults` does is what can be typed."""
    assert all(fits(part, numbers) for quick in (True, False) for part, numbers in jobs(quick=quick))


def test_waits_are_told_on_the_clock_of_the_story():
    """Seconds since the story began, as each of its lines has them."""
    assert in_words(Wait(1_600.0), 1_000.0) == "wait until 600 s"
    assert in_words(Wait(1_600.0, 1_300.0), 1_000.0).endswith("the API asks for rest until 300 s")
    assert in_words(GiveUp("no such model"), 1_000.0) == "given up: no such model"
