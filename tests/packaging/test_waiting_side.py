"""The simulation of the waiting side: deterministic, and by the trigger's own rules."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_openai_batch.triggers import openai_batch as trigger
from scripts.waiting_side import GROWTH, Cost, Waiting, cases, main, pauses, simulate

FEW = Waiting(runs=300, batches=2, triggerers=1, cost=Cost(run_ms=1, batch_ms=2))


def test_runs_look_as_triggers_do() -> None:
    """The pauses grow by the trigger's factor, up to the longest."""
    assert GROWTH == trigger.GROWTH
    assert pauses(30, 300) == [30, 45, 67.5, 101.25, 151.875, 227.8125, 300]
    assert pauses(30, 30) == [30]


def test_two_simulations_see_the_same() -> None:
    """A figure of the documentation can be had again."""
    assert simulate(FEW) == simulate(FEW)


def test_calls_are_what_the_pauses_allow() -> None:
    """300 old runs of two batches look every 300 s: two calls a second, and 5 ms of CPU each."""
    seen = simulate(replace(FEW, age=20_000))

    assert 1.8 < seen.calls_a_second < 2.2
    assert 0.0045 < seen.busy < 0.0055
    assert seen.mb == 300 * 5 / 1_000


def test_a_triggerer_that_is_full_is_late() -> None:
    """Looks that take longer than the pauses between them wait for their turn, and none is lost."""
    seen = simulate(replace(FEW, runs=3_000, longest=30, cost=Cost(run_ms=20, batch_ms=0)))

    assert seen.busy > 0.99
    assert seen.median_late > 10


def test_each_case_has_all_batches() -> None:
    """Whatever the runs are, the same number of batches is in flight."""
    assert {case.live for case in cases(2_000, Cost())} == {2_000}


def test_it_prints_a_line_for_each_case(capsys) -> None:
    """And what one list of all batches would take."""
    assert main(["--live", "2000"]) == 0
    printed = capsys.readouterr().out.splitlines()

    assert sum(line.startswith("|") for line in printed) == len(cases(2_000, Cost())) + 2
    assert printed[-1] == "The whole list of 2,000 batches is 20 calls: 0.1 a second at 300 s."
