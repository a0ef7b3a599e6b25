"""What a step says, on the clock of a story."""

from __future__ import annotations

from typing import Any

from airflow_provider_openai_batch.batch.decisions.actions import Due, Finish, GiveUp, Wait


def in_words(step: Any, began: float) -> str:
    """Say what a task returned; times count from when the story began."""
    match step:
        case Wait():
            rest = step.rest - began
            told = f", the API asks for rest until {rest:,.0f} s" if rest > 0 else ""
            return f"wait until {step.until - began:,.0f} s{told}"
        case Finish():
            return "finished"
        case Due():
            return "a worker has something to do"
        case GiveUp(error):
            return f"given up: {error}"
        case list():
            return "done"
    return str(step)
