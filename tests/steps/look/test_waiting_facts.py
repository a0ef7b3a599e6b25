"""A run that waits takes little room, and the next look decides as if it had read everything anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.decisions.decide import decide
from airflow_provider_openai_batch.batch.decisions.decision_input import Moment
from airflow_provider_openai_batch.batch.decisions.progress import progress_of
from airflow_provider_openai_batch.steps.look.waiting_facts import without_texts
from airflow_provider_openai_batch.steps.run_folder.read import read_queue, read_run

if TYPE_CHECKING:
    from airflow_provider_openai_batch.store.run_store import RunStore

TEXT = "Classify this ticket. " * 1_000
ROOM = 2_000


def seen(store: RunStore, now: float) -> tuple[Any, ...]:
    """Give what a look would decide without having seen a batch, and the line of its log."""
    run = read_run(store)
    queue = read_queue(store, run)
    moment = Moment(looks={}, now=now)
    return queue, decide(run, queue, moment), progress_of(run, queue, moment)


@pytest.fixture
def run(pipeline: Any) -> Any:
    """Give a run of one batch with a long prompt, which is in flight."""
    pipeline.prompt = TEXT + pipeline.prompt
    pipeline.fill([(number, f"row {number}") for number in range(3)]).submit()
    return pipeline


@pytest.mark.parametrize("seconds", [0, 3_600, 2 * 86_400, 30 * 86_400])
def test_what_rests_is_decided_on_as_ever(run: Any, seconds: float):
    """Whenever it is asked, and however often it has rested."""
    fresh, rested = run.store, run.store
    now = run.emulator.now + seconds

    for _ in range(3):
        assert seen(rested, now) == seen(fresh, now)
        rested.rest(without_texts)


def test_a_waiting_run_keeps_no_prompt(run: Any):
    """A triggerer holds thousands of them."""
    store = run.store

    read_run(store)
    store.rest(without_texts)

    assert 0 < len(store._packed) < ROOM
    assert not store._facts


def test_runs_that_say_nearly_the_same_take_little_room(run: Any):
    """What they have in common is kept once."""
    first, second = run.store, run.store
    for store in (first, second):
        read_run(store)
        store.rest(without_texts)

    assert 0 < len(second._packed) < ROOM / 4
    assert read_run(second) == read_run(first)


def test_what_is_new_is_read_and_rests_too(run: Any):
    """A worker writes on while the trigger waits."""
    store = run.store
    seen(store, 0.0)
    store.rest(without_texts)
    run.emulator.advance(3_600)
    run.advance()

    for _ in range(2):
        assert seen(store, 0.0) == seen(run.store, 0.0)
        store.rest(without_texts)
    assert all(send.tally for send in read_run(store).sends)
