"""The counts of a load: rows by status, failures by code, and a few of their keys."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.answer.answer_values import counts
from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.batch.text.safe_words import as_code
from airflow_provider_openai_batch.batch.text.values import texts
from airflow_provider_openai_batch.tables.existing.keys import MOST_SHOWN

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True, kw_only=True)
class RowCounts:
    """Counts of rows; a row that had failed before this run does not count for `max_failed_ratio`."""

    rows: int = 0
    judged: int = 0
    failed: int = 0  #: of the judged
    counts: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    keys: list[tuple[str, ...]] = field(default_factory=list)

    def count(self, key: Sequence[pa.Array], found: pa.Table, before: pa.BooleanArray) -> None:
        """Count rows by their answers; `before` says which had failed before."""
        if not len(found):  # pyarrow 19 ends the process where it looks for places in no chunks
            return
        self.rows += len(found)
        self.counts.update(counts(found["status"]))
        self.judged += len(found) - before.true_count
        bad = pc.and_not(pc.not_equal(found["status"], str(RowStatus.OK)), before)
        failed = found.select(["status", "error_code"]).filter(bad)
        self.failed += len(failed)
        placed = failed.append_column("place", pa.array(range(len(failed)), pa.int64()))
        grouped = placed.group_by(failed.column_names, use_threads=False)
        # Groups do not come in the order of their first rows where a code is null.
        for one in grouped.aggregate([("place", "min"), ([], "count_all")]).sort_by("place_min").to_pylist():
            self.codes[as_code(one["error_code"]) or one["status"]] += one["count_all"]
        for place in pc.indices_nonzero(bad)[: MOST_SHOWN - len(self.keys)].to_pylist():
            self.keys.append(tuple(texts(column.slice(place, 1))[0] for column in key))
