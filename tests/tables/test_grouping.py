"""How much of a table is held at once."""

from __future__ import annotations

import pyarrow as pa

from airflow_provider_openai_batch.tables import grouping


def batch(rows: int, width: int) -> pa.RecordBatch:
    return pa.record_batch({"body": ["x" * width] * rows})


def test_next_fetch() -> None:
    """Wide rows are fetched in smaller steps, never fewer than one."""
    assert 4096 == grouping.next_fetch(batch(4096, 100))
    assert 4096 == grouping.next_fetch(batch(10, 0).slice(0, 0))
    assert 160 <= grouping.next_fetch(batch(10, 100_000)) <= 170
    assert 1 == grouping.next_fetch(batch(1, 20_000_000))


def test_grouped() -> None:
    """Groups end at a count of rows or at a size; every row is in one, in order."""
    narrow = [batch(40_000, 1)] * 3
    wide = [batch(400, 100_000)] * 3

    assert [80_000, 40_000] == [table.num_rows for table in grouping.grouped(iter(narrow))]
    assert [800, 400] == [table.num_rows for table in grouping.grouped(iter(wide))]
    assert [] == list(grouping.grouped(iter([])))
