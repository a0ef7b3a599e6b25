"""Nights after each other, and trials, as Airflow shows them."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest

QUICK = {"poke_interval": 1}


def test_the_second_night_sends_nothing_and_succeeds(run_group, warehouse, openai_batch_emulator):
    """Every task is green; the XComs say that all rows were skipped."""
    warehouse.fill(5)
    run_group(wait=QUICK)
    openai_batch_emulator.advance(3_600)

    ran = run_group(wait=QUICK)

    assert ran.states == {"submit": "success", "wait": "success", "load": "success"}
    told = ran.results["submit"]
    assert (told["rows"], told["skipped"], told["changed_prompt"], told["requests"]) == (5, 5, 0, 0)
    assert (ran.results["load"]["rows"], ran.results["load"]["failed_ratio"]) == (0, 0.0)
    assert len(openai_batch_emulator.batches()) == 1


def test_everything_is_asked_again_on_demand(run_group, warehouse, openai_batch_emulator):
    """`resend` is an argument of the group."""
    warehouse.fill(5)
    run_group(wait=QUICK)
    openai_batch_emulator.advance(3_600)

    ran = run_group(wait=QUICK, resend=["all"])

    assert (ran.results["submit"]["requests"], ran.results["load"]["written"]) == (5, 5)


def test_a_preview_skips_what_comes_after(run_group, warehouse, openai_batch_emulator):
    """The estimate is in the XCom of submit, and nothing is sent."""
    warehouse.fill(5)

    ran = run_group(wait=QUICK, limits={"preview": True})

    assert ran.states == {"submit": "skipped", "wait": "skipped", "load": "skipped"}
    assert ran.results["submit"]["requests"] == 5
    assert ran.results["submit"]["estimated_tokens"] > 0
    assert openai_batch_emulator.files() == openai_batch_emulator.batches() == []


def test_wrong_words_fail_before_anything_is_read(run_group, warehouse, openai_batch_emulator):
    """A misspelt status is told at once, also when only a template spells it."""
    warehouse.fill(1)

    with pytest.raises(InvalidRequest, match="'failled'"):
        run_group(wait=QUICK, resend=["failled"])
    ran = run_group(wait=QUICK, resend=["{{ 'failled' }}"])

    assert (ran.states["submit"], ran.tries["submit"]) == ("failed", 1)
    assert openai_batch_emulator.batches() == []
