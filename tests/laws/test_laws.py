"""Each law sees what breaks it: one that never says no proves nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from upath import UPath

from airflow_provider_openai_batch.store.run_store import RunStore
from tests.crashes.laws import Bill, check_bill, check_files, check_left, check_rows
from tests.laws.figures import Figures
from tests.laws.folder import intended_files, requests_of
from tests.laws.laws import Life, Violation, counted, files_left, named, repeated, sharing

if TYPE_CHECKING:
    from pathlib import Path

FIRST = {"batch": "a", "requests": frozenset({"r", "s"}), "begun": 0.0, "ended": 10.0}


@pytest.mark.parametrize(
    ("second", "pairs"),
    [
        ({"begun": 5.0}, 1),
        ({"begun": 0.0}, 1),
        ({"begun": 10.0}, 0),
        ({"begun": 5.0, "requests": frozenset({"t"})}, 0),
        ({"begun": -5.0, "ended": 0.0}, 0),
        ({"begun": -5.0, "ended": float("inf")}, 1),
    ],
)
def test_batches_that_live_at_one_time_share_nothing(second: dict[str, Any], pairs: int):
    """Whichever began first; one that ends as the other begins is over."""
    lives = [Life(**FIRST), Life(**{**FIRST, "batch": "b", "ended": 20.0, **second})]

    assert len(sharing(lives)) == len(sharing(lives[::-1])) == pairs


def test_a_key_is_there_once():
    """Each key that is there more often is a violation of its own."""
    assert [one.told for one in repeated("abacca")] == [
        "row a is in the target 3 times",
        "row c is in the target 2 times",
    ]


@pytest.mark.parametrize(
    ("changes", "left"),
    [({}, 0), ({"id": "ours"}, 1), ({"purpose": "batch_output"}, 1), ({"expires_at": None}, 1)],
)
def test_only_an_upload_that_nobody_knows_may_stay(changes: dict[str, Any], left: int):
    """And that only where an answer was lost, and only if it ends by itself."""
    file = {"id": "f", "filename": "r.jsonl", "purpose": "batch", "expires_at": 9, **changes}

    assert len(files_left([file], {"ours"}, may_be_unknown=True)) == left
    assert len(files_left([file], {"ours"}, may_be_unknown=False)) == 1


def test_violations_are_counted_by_their_figures():
    """What breaks a law several times counts as often."""
    broken = [*named("rows_lost", ["one", "two"]), Violation("partial_reads_seen", "three", 3)]

    assert counted(broken) == Figures(rows_lost=2, partial_reads_seen=3)
    assert str(broken[0]) == "rows_lost: one"


def test_a_folder_tells_its_requests_and_files(tmp_path: Path):
    """They are read from what was sent, byte for byte."""
    shard = tmp_path / "shards" / "a-0"
    (shard / "sends" / "0001").mkdir(parents=True)
    (shard / "requests.jsonl").write_text('{"custom_id": "x"}\n{"custom_id": "b"}\n')
    (shard / "sends" / "0001" / "intent.json").write_text('{"file_id": "file-1"}')
    store = RunStore(UPath(f"file://{tmp_path}"))

    assert requests_of(store) == {"a-0": ["x", "b"]}
    assert intended_files(store) == {"file-1"}


def bill(*files: dict[str, Any], executed: str = "", at_once: str = "") -> Bill:
    """Make what a server did for a run."""
    return Bill(batches=[], executions=Counter(executed), at_once=Counter(at_once), files=list(files))


def figures(broken: list[Violation]) -> dict[str, int]:
    """Return what is counted."""
    counts = Counter[str]()
    for one in broken:
        counts[one.figure] += one.count
    return dict(counts)


@pytest.mark.parametrize(
    ("rows", "broken"),
    [
        ("ab", {}),
        ("a", {"rows_lost": 1}),
        ("abb", {"rows_duplicated_in_the_target": 1}),
        ("aabb", {"rows_duplicated_in_the_target": 2}),
        ("abc", {"rows_lost": 1}),
        ("ac", {"rows_lost": 2}),
        ("", {"rows_lost": 2}),
    ],
)
def test_rows_are_those_of_a_run_without_a_kill(rows: str, broken: dict[str, int]):
    """Lost, twice, or asked for by nobody: each row counts."""
    found, expected = ([{"id": key} for key in keys] for keys in (rows, "ab"))

    assert figures(check_rows(found or None, expected)) == broken


@pytest.mark.parametrize(
    ("executed", "at_once", "again", "broken"),
    [
        ("ab", "", 0, {}),
        ("abb", "", 0, {"requests_executed_too_often": 1}),
        ("abb", "b", 1, {}),
        ("abb", "", 1, {"requests_executed_too_often": 1}),
        ("abbb", "b", 1, {"requests_executed_too_often": 2}),
        ("a", "", 0, {"rows_lost": 1}),
    ],
)
def test_a_kill_costs_nothing(executed: str, at_once: str, again: int, broken: dict[str, int]):
    """Only what was asked at once, and whose answer nobody has heard, may run again."""
    assert figures(check_bill(bill(executed=executed, at_once=at_once), bill(executed="ab"), again)) == broken


def test_one_kill_leaves_one_upload():
    """A second one that nobody knows is not excused."""
    files = [{"id": name, "filename": name, "purpose": "batch", "expires_at": 9} for name in "fg"]

    assert check_files(bill(files[0]), set()) == []
    assert figures(check_files(bill(*files), set())) == {"remote_files_left": 1}
    assert figures(check_files(bill(*files), {"f"})) == {"remote_files_left": 1}
    assert figures(check_left(["a", "b"])) == {"remote_files_left": 2}


def test_a_bill_knows_how_long_its_batches_lived():
    """A batch without an end lives still; one of another run holds nothing of ours."""
    batch = {"id": "b", "metadata": {"shard": "a-0"}, "created_at": 5, "completed_at": None}
    made = Bill(
        batches=[batch, {**batch, "metadata": None, "completed_at": 9}],
        executions=Counter(),
        at_once=Counter(),
        files=[],
    )

    lives = made.lives({"a-0": ["x"]})

    assert [(life.requests, life.begun, life.ended) for life in lives] == [
        (frozenset({"x"}), 5, float("inf")),
        (frozenset(), 5, 9),
    ]
