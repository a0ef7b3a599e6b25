"""The line that says how far a run is, part by part."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace as put

from airflow_provider_openai_batch.batch.api.objects import RequestCounts
from airflow_provider_openai_batch.batch.decisions.decision_input import Look, Moment, Unreachable
from airflow_provider_openai_batch.batch.decisions.progress import Progress, progress_of
from airflow_provider_openai_batch.batch.decisions.remaining_requests import Part, Queue
from airflow_provider_openai_batch.batch.decisions.token_queue import TokenQueue
from airflow_provider_openai_batch.batch.run import facts
from tests.batch.decisions.test_decide import (
    HOUR,
    NOW,
    make_batch,
    make_queue,
    make_run,
    make_send,
    make_shard,
)

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.batch.run.send import Send

MINUTE = 60.0


def run_of(*shards: Shard, requests: int = 10) -> Run:
    """A run whose snapshot names the shards that are no parts of others."""
    run = make_run(*shards)
    (snapshot,) = run.snapshots
    assert snapshot.done is not None
    names = tuple(shard.id for shard in shards if shard.about.parent is None)
    done = put(snapshot.done, shards=names, requests=requests)
    return replace(run, snapshots=(replace(snapshot, done=done),))


def in_flight(number: int, **fields: Any) -> Send:
    return make_send(shard=f"s{number}", batches=(make_batch(id=f"b{number}"),), **fields)


def ended(number: int, failed: int | None = 0) -> Send:
    counts = RequestCounts(total=8, completed=8 - (failed or 0), failed=failed)
    batch = make_batch("completed", id=f"b{number}", request_counts=counts)
    terminal = facts.Terminal(at=NOW, batch=batch)
    return in_flight(number, terminals=(terminal,), tally=facts.Tally(counts={"ok": 8}))


def counting(number: int, completed: int | None, failed: int | None = 0) -> Any:
    return make_batch(id=f"b{number}", request_counts=RequestCounts(8, completed, failed))


def shard_of(number: int, *sends: Send, **fields: Any) -> Shard:
    shard = make_shard(*sends, name=f"s{number}", requests=8)
    return replace(shard, about=put(shard.about, **fields))


def line(
    run: Run, *looks: Look, left: tuple[str, ...] = (), waited: float = 12 * MINUTE, next_look: float = 45.0
) -> str:
    return progress(run, *looks, left=left, waited=waited).line(next_look)


def progress(
    run: Run, *looks: Look, left: tuple[str, ...] = (), waited: float = 0.0, tokens: TokenQueue | None = None
) -> Progress:
    shown = {f"b{number}": look for number, look in enumerate(looks, start=1)}
    moment = Moment(looks=shown, now=NOW + waited, tokens=tokens or TokenQueue())
    return progress_of(run, make_queue(run, *left), moment)


def test_all_parts_in_one_line():
    """Batches, requests, failures, the time since the first batch, and the next look."""
    done = [shard_of(number, ended(number, failed=1 if number < 3 else 0)) for number in (3, 4, 5)]
    flying = [shard_of(number, in_flight(number)) for number in (1, 2)]
    run = run_of(*flying, *done, requests=40)

    said = line(run, counting(1, 0, 1), counting(2, 0, 1))

    assert said == (
        "3 of 5 batches done; 24 of 40 requests answered, 2 failed; waiting 12 min; next look in 45 s"
    )


def test_one_batch_and_nothing_answered():
    """A noun follows its count, and what did not fail is not mentioned."""
    said = line(run_of(shard_of(1, in_flight(1)), requests=1), counting(1, 0), waited=9)

    assert said == "0 of 1 batch done; 0 of 1 request answered; waiting 9 s; next look in 45 s"


def test_finished_run_has_no_next_look():
    """Nor does it wait any more."""
    assert progress(run_of(shard_of(1, ended(1, failed=2)), requests=8)).line() == (
        "1 of 1 batch done; 6 of 8 requests answered, 2 failed"
    )


def test_a_run_without_requests_waits_for_none():
    """A night whose rows are answered already."""
    assert progress(run_of(requests=0)).line() == "no requests to wait for"


def test_a_server_that_does_not_count():
    """Nothing is called unanswered that may be answered."""
    run = run_of(shard_of(1, in_flight(1)), requests=8)
    more = run_of(shard_of(1, in_flight(1)), shard_of(2, ended(2)), requests=16)

    assert "; 8 requests, number of answers unknown; " in line(run, counting(1, None, None))
    assert "; at least 8 of 16 requests answered; " in line(more, counting(1, None, None))


def test_a_failed_look():
    """What it would have shown is unknown, and the line says of how many batches."""
    run = run_of(shard_of(1, in_flight(1)), shard_of(2, in_flight(2)), requests=16)

    said = line(run, Unreachable("APIConnectionError"), counting(2, 3))

    assert said.startswith(
        "0 of 2 batches done; at least 3 of 16 requests answered; status of 1 batch unknown;"
    )


def test_a_create_in_doubt_is_a_batch_without_answers():
    """It may have been made; nobody has seen an answer."""
    run = run_of(shard_of(1, make_send(shard="s1", batches=())), requests=8)

    assert line(run).startswith("0 of 1 batch done; 0 of 8 requests answered; ")


@pytest.mark.parametrize(
    ("live", "flying", "longest"),
    [(10, False, 60), (10, True, 300), (0, False, 300)],
    ids=["waits for room", "in flight", "has room"],
)
def test_a_run_that_waits_for_room_looks_often(live: int, flying: bool, longest: float):
    """Other runs make room for it; a batch of its own is looked at as rarely as any."""
    run = run_of(shard_of(1), *([shard_of(2, in_flight(2))] if flying else []), requests=16)
    tokens = TokenQueue(budgets={"m": 15}, enqueued={"m": live})

    said = progress(run, *([counting(1, 0), counting(2, 0)] if flying else []), left=("s1",), tokens=tokens)

    assert said.longest_pause(300) == longest
    assert said.longest_pause(20) == 20


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (12 * MINUTE + 20, "12 min"),
        (HOUR, "1 h"),
        (3 * HOUR + 5 * MINUTE, "3 h 5 min"),
        (1_200 * HOUR, "1,200 h"),
        (-5, "0 s"),
    ],
)
def test_durations(seconds: float, words: str):
    """One unit below an hour, two above; a clock that went back shows no negative time."""
    run = run_of(shard_of(1, in_flight(1)))

    assert f"; waiting {words}; next look in {words}" in line(run, waited=seconds, next_look=seconds)


class TestTokenBudget:
    """What is not sent because the token queue is full."""

    def test_it_says_so(self):
        """The budget takes one of three batches."""
        run = run_of(shard_of(1, in_flight(1)), shard_of(2), shard_of(3), requests=24)
        full = TokenQueue(budgets={"m": 15}, enqueued={"m": 10})

        said = progress(run, counting(1, 4), left=("s2", "s3"), tokens=full).line(45)

        assert said.startswith(
            "0 of 3 batches done; 4 of 24 requests answered; 2 batches waiting for token budget; "
        )

    def test_what_waits_for_something_else_is_not_counted(self):
        """A part of a shard that failed is sent when it is due."""
        run = run_of(shard_of(1, in_flight(1)), shard_of(2), requests=16)

        assert "token budget" not in line(run, counting(1, 4), left=("s2",))


class TestFailed:
    """Failed requests, counted once."""

    @pytest.mark.parametrize("status", ["cancelled", "expired", "missing", "unknown", "error"])
    def test_what_ended_without_an_answer_has_failed(self, status: str):
        """A cancelled batch reports no failures, and one that disappeared reports nothing."""
        tally = facts.Tally(counts={"ok": 5, "invalid": 1, status: 2})
        told = ended(1)
        for send in (replace(told, tally=tally), replace(told, tally=tally, terminals=())):
            said = progress(run_of(shard_of(1, send), requests=8)).line()
            assert said == "1 of 1 batch done; 6 of 8 requests answered, 2 failed"

    def test_what_is_sent_again_has_not_failed(self):
        """Three of a batch failed, and are in flight once more."""
        child = shard_of(2, in_flight(2), parent="s1")
        child = replace(child, about=put(child.about, requests=3))
        run = run_of(shard_of(1, ended(1, failed=3)), child, requests=8)

        said = line(run, make_batch(id="b1"), make_batch(id="b2", request_counts=RequestCounts(3, 1, 0)))

        assert said.startswith("1 of 2 batches done; 6 of 8 requests answered; ")

    def test_what_is_left_of_a_shard_has_not_failed_either(self):
        """It is not sent yet."""
        run = run_of(shard_of(1, ended(1, failed=3)), requests=8)
        part = Part(shard="s1", positions=[0, 1, 2], attempt=1)  # type: ignore[arg-type]

        shown = progress_of(run, Queue(left=(part,), awaited=frozenset()), Moment(looks={}, now=NOW))

        assert (shown.answered, shown.failed, shown.batches, shown.done) == (5, 0, 2, 1)

    def test_counts_that_contradict_each_other_stay_within_the_requests(self):
        """A server is not believed more answers than requests."""
        shown = progress(run_of(shard_of(1, in_flight(1)), requests=8), counting(1, 99, 99))

        assert (shown.answered, shown.failed) == (8, 0)


class TestNews:
    """Which looks are logged."""

    def look(self, waited: float, completed: int = 4) -> Progress:
        return progress(run_of(shard_of(1, in_flight(1)), requests=8), counting(1, completed), waited=waited)

    def test_the_first_look_is(self):
        assert self.look(0).is_news(None)

    def test_a_change_is(self):
        assert self.look(30, completed=5).is_news(self.look(0))

    def test_time_alone_is_not_for_an_hour(self):
        first = self.look(0)

        assert not self.look(HOUR - 1).is_news(first)
        assert self.look(HOUR).is_news(first)
