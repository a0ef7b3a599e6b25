"""Each law sees what breaks it: one that never says no proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from upath import UPath

from airflow_provider_openai_batch.store.run_store import RunStore
from tests.laws.asking import Asking, Outcome
from tests.laws.figures import Figures, Violation, counted, named
from tests.laws.folder import facts_of, requests_of
from tests.laws.money import Sums, over_cap, wrong_sums
from tests.laws.remains import files_left, secrets
from tests.laws.requests import dearer, sharing, too_often, unwanted
from tests.laws.rows import Landed, Wanted, differing, lost, partial, repeated

if TYPE_CHECKING:
    from pathlib import Path


def asking(batch: str, begun: float, ended: float, **facts: Any) -> Asking:
    """One request in one batch that got a good answer."""
    told = {"request": "r", "outcome": Outcome.GOOD} | facts
    return Asking(batch=batch, begun=begun, ended=ended, **told)


@pytest.mark.parametrize(
    ("second", "pairs"),
    [
        ({"begun": 5.0}, 1),
        ({"begun": 0.0}, 1),
        ({"begun": 10.0}, 0),
        ({"begun": 5.0, "request": "t"}, 0),
        ({"begun": 5.0, "synchronous": True}, 0),
        ({"begun": -5.0, "ended": 0.0}, 0),
        ({"begun": -5.0, "ended": float("inf")}, 1),
    ],
)
def test_batches_that_live_at_one_time_share_nothing(second: dict[str, Any], pairs: int):
    """Whichever began first; one that ends as the other begins is over."""
    askings = [asking("a", 0.0, 10.0), asking("b", **({"ended": 20.0} | second))]

    assert len(sharing(askings)) == len(sharing(askings[::-1])) == pairs


def test_a_key_is_there_once():
    """Each key that is there more often is a violation of its own."""
    rows = [Landed(key=key, status="ok") for key in "abacca"]

    assert [one.told for one in repeated(rows, "ac")] == [
        "row a is in the target 3 times",
        "row c is in the target 2 times",
        "row b was never landed",
    ]


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({}, 0),
        ({"key": "b"}, 1),
        ({"answer": "no"}, 1),
        ({"status": "strange"}, 1),
        ({"status": "missing"}, 1),
        ({"status": "failed", "answer": "no"}, 0),
    ],
)
def test_each_row_is_there_with_its_own_answer(changes: dict[str, Any], broken: int):
    """It has a status that it may have, and what it says is what was answered to it."""
    row = Landed(**({"key": "a", "status": "ok", "answer": "yes"} | changes))
    wanted = Wanted(key="a", answers={"yes"}, statuses={"ok", "failed"})

    assert len(lost([row], [wanted])) == broken


def test_readers_see_whole_states():
    """Whatever else is read was left by no load."""
    assert partial(["old", "new"], {"old", "new"}.__contains__) == []
    assert counted(partial(["ne"], {"old", "new"}.__contains__)) == Figures(partial_reads_seen=1)


@pytest.mark.parametrize(
    ("changes", "left"),
    [({}, 0), ({"id": "ours"}, 1), ({"purpose": "batch_output"}, 1), ({"expires_at": None}, 1)],
)
def test_only_an_upload_that_nobody_knows_may_stay(changes: dict[str, Any], left: int):
    """And that only where an answer was lost, and only if it ends by itself."""
    file = {"id": "f", "filename": "r.jsonl", "purpose": "batch", "expires_at": 9, **changes}

    assert len(files_left([file], {"ours"}, unknown=1)) == left
    assert len(files_left([file], {"ours"})) == 1


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
    assert facts_of(store) == {"shards/a-0/sends/0001/intent.json": '{"file_id": "file-1"}'}
    words = {"the key": "sk", "a file": "file-1"}
    assert [one.told for one in secrets(facts_of(store), words)] == [
        f"a file in {next(iter(facts_of(store)))}"
    ]


@pytest.mark.parametrize(
    ("first", "second", "broken"),
    [
        ({}, {}, 1),
        ({"outcome": Outcome.FAILED}, {}, 1),
        ({"outcome": Outcome.PASSING}, {}, 0),
        ({"outcome": Outcome.UNSEEN}, {}, 0),
        ({"outcome": Outcome.NOT_RUN}, {}, 0),
        ({"outcome": Outcome.PASSING}, {"begun": 5.0}, 1),
        ({"outcome": Outcome.UNSEEN, "synchronous": True}, {"begun": 5.0}, 0),
        ({"synchronous": True}, {"begun": 20.0}, 1),
        ({"synchronous": True, "ended": 90_000.0}, {"begun": 20.0}, 0),
        ({"ended": 90_000.0}, {"begun": 20.0}, 1),
        ({}, {"outcome": Outcome.NOT_RUN}, 0),
        ({}, {"request": "other"}, 0),
    ],
)
def test_executions(first: dict[str, Any], second: dict[str, Any], broken: int):
    """A request may run again only when it has ended without an answer that stands."""
    askings = [
        asking("a", **({"begun": 0.0, "ended": 10.0} | first)),
        asking("b", **({"begun": 20.0, "ended": 30.0} | second)),
    ]

    assert len(too_often(askings, 3)) == broken


@pytest.mark.parametrize(("reask", "broken"), [(0, 4), (1, 1), (2, 0)])
def test_answers_that_fit_nothing_are_asked_for_again(reask: int, broken: int):
    """As often as the run says, and where it says nothing they stand."""
    outcomes = (Outcome.INVALID, Outcome.INVALID, Outcome.GOOD)
    askings = [asking(str(n), n * 20.0, n * 20.0 + 10, outcome=one) for n, one in enumerate(outcomes)]

    assert len(too_often(askings, 3, reask)) == broken


@pytest.mark.parametrize(("outcome", "broken"), [(Outcome.PASSING, 1), (Outcome.UNSEEN, 0)])
def test_attempts_are_limited(outcome: Outcome, broken: int):
    """Also what fails each time ends; what nobody could read is no attempt."""
    askings = [asking(str(n), n * 20.0, n * 20.0 + 10, outcome=outcome) for n in range(4)]

    assert len(too_often(askings, 3)) == broken


@pytest.mark.parametrize(
    ("wanted", "at", "broken"), [("other", 5.0, 1), ("r", 5.0, 0), ("other", 10.0, 0), ("other", 0.0, 0)]
)
def test_batches_that_no_row_asks_for(wanted: str, at: float, broken: int):
    """A batch that lives at a submit of which no row asks for anything that it holds."""
    assert (
        len(unwanted([asking("a", 0.0, 10.0), asking("a", 0.0, 10.0, request="s")], {wanted}, at)) == broken
    )


@pytest.mark.parametrize(
    ("rows", "broken"),
    [
        ("ab", {}),
        ("a", {"rows_lost": 1}),
        ("abc", {"rows_lost": 1}),
        ("ac", {"rows_lost": 2}),
        ("", {"rows_lost": 2}),
    ],
)
def test_rows_are_those_of_a_run_without_a_kill(rows: str, broken: dict[str, int]):
    """Lost, or asked for by nobody: each row counts."""
    assert counted(differing(rows, "ab")) == Figures(**broken)


@pytest.mark.parametrize(
    ("executed", "calls", "again", "broken"),
    [
        ("ab", "", 0, {}),
        ("abb", "", 0, {"requests_executed_too_often": 1}),
        ("ab", "b", 1, {}),
        ("ab", "b", 0, {"requests_executed_too_often": 1}),
        ("abb", "", 1, {"requests_executed_too_often": 1}),
        ("abb", "b", 1, {"requests_executed_too_often": 2}),
        ("a", "", 0, {"rows_lost": 1}),
    ],
)
def test_a_kill_costs_nothing(executed: str, calls: str, again: int, broken: dict[str, int]):
    """Only what is asked synchronously, and whose answer nobody has heard, may run again."""
    ours = [asking("b", 0, 9, request=name) for name in executed]
    ours += [asking("c", 0, 0, request=name, synchronous=True) for name in calls]
    undisturbed = [asking("b", 0, 9, request=name) for name in "ab"]

    assert counted(dearer(ours, undisturbed, again)) == Figures(**broken)


def test_one_kill_leaves_one_upload():
    """A second one that nobody knows is not excused."""
    files = [{"id": name, "filename": name, "purpose": "batch", "expires_at": 9} for name in "fg"]

    assert files_left(files[:1], (), unknown=1) == []
    assert counted(files_left(files, (), unknown=1)) == Figures(remote_files_left=1)
    assert counted(files_left(files, {"f"}, unknown=1)) == Figures(remote_files_left=1)


def test_sums_and_caps():
    """Rows, answers, and server say the same, as far as all was seen; and a cap holds."""
    sums = {"charged": 3.0, "known": 3.0, "noted": 3.0, "rows": 3.0, "all_seen": True}

    assert wrong_sums(Sums(**sums)) == []
    assert len(wrong_sums(Sums(**sums | {"charged": 2.0}))) == 2
    assert len(wrong_sums(Sums(**sums | {"known": 2.0}))) == 1
    assert wrong_sums(Sums(**sums | {"known": 2.0, "all_seen": False})) == []
    assert len(wrong_sums(Sums(**sums | {"noted": 2.0}))) == 1
    assert wrong_sums(Sums(**sums | {"noted": None, "rows": 2.0})) == []
    assert (over_cap(3.0, 3.0), len(over_cap(3.1, 3.0))) == ([], 1)
