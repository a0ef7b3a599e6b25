"""Callbacks get the result in their context; what they do has no effect on the load."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.operators.callbacks import call_back

if TYPE_CHECKING:
    import pytest

log = logging.getLogger("airflow.task")


def test_each_gets_the_context_with_the_result() -> None:
    """One, many, or none."""
    seen: list[object] = []

    call_back(seen.append, {"ds": "2026-01-01"}, {"rows": 3}, log)
    call_back([seen.append, seen.append], {}, {"rows": 4}, log)
    call_back(None, {}, {}, log)

    results = [context["openai_batch"] for context in seen]
    assert results == [{"rows": 3}, {"rows": 4}, {"rows": 4}]
    assert seen[0]["ds"] == "2026-01-01"


def test_an_error_is_logged_and_the_next_is_called(caplog: pytest.LogCaptureFixture) -> None:
    """The rows have landed: a callback must not fail their load."""
    seen: list[object] = []

    def broken(context: object) -> None:
        raise RuntimeError("no network")

    with caplog.at_level(logging.ERROR):
        call_back([broken, seen.append], {}, {"rows": 3}, log)

    assert len(seen) == 1
    assert "broken" in caplog.text
    assert "no network" in caplog.text
