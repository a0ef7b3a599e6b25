"""Errors of an account without credit: nothing ran, and nothing will until it is paid."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.text.row_status import RowStatus

CODES = frozenset({
    "insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "quota_exceeded",
})  # fmt: skip
WORDS = "exceeded your current quota"
SHORTEST_PAUSE, LONGEST_PAUSE = 300.0, 3_600.0


def quota_is_spent(code: str | None, message: str | None) -> bool:
    """Return whether an error says that the account has no credit left."""
    return (code or "").lower() in CODES or WORDS in (message or "").lower()


def without_credit(answers: pa.Table) -> np.ndarray:
    """Mask the requests that were not run, for the account had no credit."""
    unpaid = np.zeros(len(answers), dtype=bool)
    failed = np.flatnonzero(pc.equal(answers["status"], str(RowStatus.FAILED)).to_numpy())
    errors = answers.select(["error_code", "error_message"]).take(pa.array(failed)).to_pylist()
    unpaid[failed] = [quota_is_spent(error["error_code"], error["error_message"]) for error in errors]
    return unpaid


def quota_pause(times: int) -> float:
    """Return the seconds to wait for credit after so many refusals: they double, to an hour."""
    return min(SHORTEST_PAUSE * 2.0 ** min(times - 1, 10), LONGEST_PAUSE)
