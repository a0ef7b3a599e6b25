"""A summary in the log of a task."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.operators.summary import log_lines

if TYPE_CHECKING:
    import pytest


def test_each_line_is_a_line_of_the_log(caplog: pytest.LogCaptureFixture):
    """A sign that logging would fill in stays as it is."""
    caplog.set_level(logging.INFO)

    log_lines(logging.getLogger("task"), "40 rows, 100 %s.\nReport: file:///run")

    assert [record.getMessage() for record in caplog.records] == ["40 rows, 100 %s.", "Report: file:///run"]
