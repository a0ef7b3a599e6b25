"""What a run keeps that waits for long, beside thousands of others: what a look decides on, and no texts."""

from __future__ import annotations

from typing import Any

import msgspec

from airflow_provider_openai_batch.batch.run import facts


def without_texts(fact: Any) -> Any:
    """Return a fact without what takes much room and no decision reads."""
    if isinstance(fact, facts.Submission):
        return msgspec.structs.replace(
            fact, request={}, output_type=None, target=None, labels={}, fingerprint="", prompt_version=""
        )
    if isinstance(fact, facts.About):
        return msgspec.structs.replace(fact, output_type=None)
    return fact
