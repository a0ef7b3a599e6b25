"""Load's summary: the target and its rows on one line, cost and report on lines of their own."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_openai_batch.steps.load.load_summary import LoadSummary


def loaded(**changes: Any) -> LoadSummary:
    fields: dict[str, Any] = {
        "rows": 40,
        "written": 40,
        "kept": 0,
        "counts": {"error": 3, "ok": 37},
        "target": "warehouse.ticket_labels",
    }
    fields |= changes
    failed = sum(count for status, count in fields["counts"].items() if status != "ok")
    return LoadSummary(**({"judged": fields["rows"], "failed": failed} | fields))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"codes": {"error": ("invalid_prompt",)}},
            "warehouse.ticket_labels: 40 rows merged: 37 ok, 3 error (invalid_prompt).",
        ),
        ({"mode": "append"}, "warehouse.ticket_labels: 40 rows appended: 37 ok, 3 error."),
        (
            {"mode": "replace_partition", "counts": {}, "rows": 0},
            "warehouse.ticket_labels: 0 rows written to the partition.",
        ),
        (
            {"counts": {"invalid": 40}, "codes": {"invalid": ("invalid", "(no code)")}},
            "warehouse.ticket_labels: 40 rows merged: 40 invalid.",
        ),
    ],
)
def test_the_first_line_says_what_landed_where(changes: dict[str, Any], told: str):
    """Good rows come first; a code is named where it says more than the status."""
    assert str(loaded(**changes)) == told


def test_everything_else_has_its_own_line():
    """Kept rows, cleaned characters, old failures, cost, and report do not run into each other."""
    given = {"kept": 2, "cleaned": 9, "judged": 39, "failed": 2}
    told = str(loaded(**given, money="Cost: 1.00 USD.", report_uri="s3://bucket/report.html"))

    assert told.splitlines()[1:] == [
        "2 of them were kept as they are in the target: a person or a later run wrote them.",
        "9 characters of answers were removed or replaced: no database accepts them.",
        "limits['max_failed_ratio'] leaves out 1 row that had failed in an earlier run, too.",
        "Cost: 1.00 USD.",
        "Report: s3://bucket/report.html",
    ]


def test_the_next_task_is_told_what_failed():
    """It sees how many rows are not ok, and the most frequent codes with their rows, but no text."""
    codes = tuple((f"code_{number}", 9 - number) for number in range(7))

    shown = loaded(counts={"error": 3, "invalid": 2, "ok": 35}, errors=codes).summary()

    assert (shown["target"], shown["failed"]) == ("warehouse.ticket_labels", 5)
    assert shown["top_errors"] == [{"code": f"code_{number}", "count": 9 - number} for number in range(5)]


def test_nothing_failed():
    """A load without rows, and one whose rows are all ok, has no errors."""
    assert loaded(rows=0, counts={}).summary()["failed"] == 0
    assert loaded(counts={"ok": 40}).summary()["top_errors"] == []
