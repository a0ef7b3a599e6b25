"""A run that an earlier version has begun ends under this one, and nothing is sent that was sent before."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from tests.steps.previous_version.keep import restore

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.steps.previous_version.play import Play

    Open = Callable[[Path], Play]

KEPT = sorted(Path(__file__).parent.glob("*/*.json"))
#: How many batches a run still needs at each moment: of shards that were not sent, and of no other.
UNSENT = {
    "staged": 2,
    "in_flight": 0,
    "partly_sent": 2,
    "create_in_doubt": 0,
    "create_never_acted": 1,
    "half_collected": 0,
    "collected": 0,
    "landed": 0,
    "child": 0,
    "preflight": 0,
    "preview": 2,
    "parquet": 0,
}
RETRIED = ("staged", "in_flight", "create_in_doubt", "collected", "preview", "parquet")
PATIENCE = 40


def read(path: Path) -> dict[str, Any]:
    """Read what was kept."""
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


def moments(is_meant: Callable[[Path], Any]) -> pytest.MarkDecorator:
    """Try the runs that are meant, by the names of their moments."""
    told = [path for path in KEPT if is_meant(path)]
    names = [f"{path.parent.name}-{path.stem}" for path in told]
    return pytest.mark.parametrize("path", told, ids=names)


@pytest.fixture
def opened(tmp_path: Path, openai_batch_emulator: Any, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Return how to open a kept run, with its connections."""

    def open_run(path: Path) -> Play:
        play = restore(read(path), tmp_path, openai_batch_emulator)
        for name, value in play.environment.items():
            monkeypatch.setenv(name, value)
        return play

    return open_run


@moments(lambda path: path.stem != "preview")
def test_it_goes_on_with_what_is_unsent(opened: Open, path: Path):
    """Wait and load end the run: no batch for what was sent, one for each shard that was not."""
    play = opened(path)
    before = len(play.emulator.batches())

    wait_and_load(play)

    assert len(play.emulator.batches()) - before == UNSENT[path.stem]
    assert_kept_promises(play)


@moments(lambda path: path.stem in RETRIED)
def test_a_retry_of_submit_finds_what_is_staged(opened: Open, path: Path):
    """Rows, prompt, and target make the same requests in this version: what is there is taken as it is."""
    play = opened(path)
    play.submit["limits"].pop("preview", None)
    shards, before = shards_of(play), len(play.emulator.batches())

    play.do_submit()

    assert shards_of(play) == shards
    wait_and_load(play)
    assert len(play.emulator.batches()) - before == UNSENT[path.stem]
    assert_kept_promises(play)


@moments(lambda path: read(path)["trigger"])
def test_its_stored_trigger_is_one_of_ours(path: Path):
    """Path and arguments that Airflow has stored make a trigger, which would be stored alike."""
    name, stored = read(path)["trigger"]

    assert trigger_of(name, stored).serialize() == (name, stored)


@moments(lambda path: path.stem in {"in_flight", "child"})
def test_its_stored_trigger_wakes_the_task(opened: Open, path: Path):
    """What waits for batches of then sees that they have ended."""
    play = opened(path)
    assert play.trigger is not None
    name, stored = play.trigger

    play.do_end()

    woken = asyncio.run(events(trigger_of(name, stored | {"first_look": 0.0})))
    assert [event["run_uri"] for event in woken] == [play.uri]


def trigger_of(name: str, stored: dict[str, Any]) -> Any:
    """Make what Airflow has stored."""
    module, _, kind = name.rpartition(".")
    return getattr(import_module(module), kind)(**stored)


async def events(trigger: Any) -> list[dict[str, Any]]:
    """Wait until the trigger wakes its task."""
    return [event.payload async for event in trigger.run()]


def wait_and_load(play: Play) -> None:
    """Move the clock a quarter of an hour at a time until all is answered, and land it."""
    for _ in range(PATIENCE):
        play.do_wait()
        if play.trigger is None:
            break
        play.emulator.advance(900)
    assert play.trigger is None
    play.do_load()


def shards_of(play: Play) -> set[str]:
    return {path.parent.name for path in play.run_folder.glob("shards/*/about.json")}


def assert_kept_promises(play: Play) -> None:
    """Each row of the source is in the target once, with what its request came to; nothing ran in vain."""
    rows = table(play)
    answered = {row["batch_custom_id"] for row in rows if row["batch_status"] == "ok"}
    executed = Counter(entry.body_hash for entry in play.emulator.ledger if entry.status == 200)

    assert sorted(row["id"] for row in rows) == [key for (key,) in play.query("select id from tickets")]
    assert len(executed) == len(answered)
    assert set(executed.values()) == {1}
    assert play.emulator.files() == []


def table(play: Play) -> list[dict[str, Any]]:
    """Return the rows of the target."""
    if "path" in play.submit["target"]:
        return pq.read_table(play.folder / "labels").to_pylist()
    names = ("id", "batch_custom_id", "batch_status")
    return [
        dict(zip(names, row, strict=True)) for row in play.query(f"select {', '.join(names)} from labels")
    ]
