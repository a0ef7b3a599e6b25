"""Submit's summary is one line that a person reads in the log, and one with what it rests on."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_openai_batch.batch.run.facts import Attempt
from airflow_provider_openai_batch.steps.submit.staged import SUMMARY_FIELDS, Staged

COST = {"estimated_cost_usd": 0.0131, "estimated_synchronous_usd": 0.0252}


def staged(**changes: Any) -> Staged:
    fields: dict[str, Any] = {"rows": 40, "requests": 40, "shards": 5, "new_requests": 40, "new_batches": 5}
    attempt = Attempt(at=0.0, number=1, nonce="a")
    return Staged(**(fields | {"estimated_tokens": 9, "rejected": 0, "attempt": attempt} | changes))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            staged(**COST),
            "40 rows, 40 new requests in 5 batches; about 0.013 USD (0.025 USD without batches).",
        ),
        (staged(), "40 rows, 40 new requests in 5 batches; unknown cost."),
        (
            staged(requests=20, skipped=12, changed_prompt=3, rejected=1, new_requests=0, **COST),
            (
                "40 rows, 12 already answered in the target (3 for another prompt), 7 duplicate rows, "
                "1 that cannot be sent, no new requests."
            ),
        ),
        (
            staged(rows=1, requests=1, new_requests=1, new_batches=1),
            "1 row, 1 new request in 1 batch; unknown cost.",
        ),
        (staged(new_requests=None), "40 rows, 40 requests in 5 batches."),
    ],
)
def test_the_first_line_says_what_is_sent_and_what_it_costs(given: Staged, told: str):
    """Rows, what is left out of them, new requests and batches, and both prices; nothing that is zero."""
    assert str(given) == told


def test_the_estimate_stands_on_a_line_of_its_own():
    """The first line stays short."""
    assert str(staged(basis="Estimate: about 9 input tokens.")).splitlines()[1:] == [
        "Estimate: about 9 input tokens."
    ]


def test_the_xcom_keeps_its_names():
    """DAGs read these: a name never changes."""
    assert tuple(staged().summary()) == SUMMARY_FIELDS
    assert staged(requests=30).summary()["equal"] == 10
