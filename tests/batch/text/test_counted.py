"""A count with its noun."""

from __future__ import annotations

from airflow_provider_openai_batch.batch.text.counted import counted


def test_one_is_singular():
    """Counts are written as people write them."""
    told = [counted(1, "run"), counted(0, "run"), counted(1_200, "batch", "batches"), counted(1.5, "day")]

    assert told == ["1 run", "0 runs", "1,200 batches", "1.5 days"]
