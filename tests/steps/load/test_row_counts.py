"""The counts of a load are those of its rows, counted one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.batch.text.safe_words import as_code
from airflow_provider_openai_batch.steps.load.row_counts import RowCounts
from airflow_provider_openai_batch.tables.existing.keys import MOST_SHOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

STATUSES = st.sampled_from([str(status) for status in RowStatus])
CODES = st.sampled_from([None, "", "rate_limit", "timeout", "a sentence of a server", "another one"])
ROWS = st.lists(st.tuples(STATUSES, CODES, st.booleans()), max_size=20)
SCHEMA = pa.schema([("status", pa.string()), ("error_code", pa.string()), ("before", pa.bool_())])


def count_row_by_row(row_counts: RowCounts, rows: Sequence[tuple[str, str | None, bool]], start: int) -> None:
    """Do what `RowCounts.count` does."""
    for number, (status, code, before) in enumerate(rows, start):
        row_counts.rows += 1
        row_counts.counts[status] += 1
        row_counts.judged += not before
        if status == RowStatus.OK or before:
            continue
        row_counts.failed += 1
        row_counts.codes[as_code(code) or status] += 1
        if len(row_counts.keys) < MOST_SHOWN:
            row_counts.keys.append((str(number),))


@settings(deadline=None)
@example([[("refused", "rate_limit", False), ("unknown", "timeout", False), ("error", None, False)]])
@given(st.lists(ROWS, max_size=4))
def test_rows_count_as_one_by_one(batches: list[list[tuple[str, str | None, bool]]]):
    """The same numbers, in the order in which each was first met; the first keys are named."""
    ours, theirs = RowCounts(), RowCounts()
    start = 0
    for rows in batches:
        table = pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)
        keys = [pa.array(range(start, start + len(rows)), pa.int64())]
        ours.count(keys, table.drop_columns("before"), pa.array([row[2] for row in rows], pa.bool_()))
        count_row_by_row(theirs, rows, start)
        start += len(rows)

    assert ours == theirs
    assert list(ours.counts) == list(theirs.counts)
    assert list(ours.codes) == list(theirs.codes)
