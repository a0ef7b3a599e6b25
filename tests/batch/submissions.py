"""The record of a submit, as the tests of the core need one."""

from __future__ import annotations

from typing import Any

from airflow_provider_openai_batch.batch.run import facts


def make_submission(**changes: Any) -> facts.Submission:
    """Return a submission that asks for nothing unusual, with these changes."""
    fields: dict[str, Any] = {
        "fingerprint": "f",
        "try_number": 1,
        "max_tries": 0,
        "epoch": 1,
        "run_id": "dag/task/run",
        "openai_conn_id": "openai_default",
        "endpoint": "/v1/chat/completions",
        "request": {},
        "prompt_version": "p",
        "key": ("id",),
        "carry": (),
        "max_attempts": 3,
        "max_failed_ratio": 0.1,
    }
    return facts.Submission(**(fields | changes))
