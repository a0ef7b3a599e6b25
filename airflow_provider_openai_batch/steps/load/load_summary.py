"""The counts of a load: rows by status, failures by code, and a few of their keys."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.batch.text.safe_words import as_code
from airflow_provider_openai_batch.batch.text.values import texts
from airflow_provider_openai_batch.tables.existing.keys import SHOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa


@dataclass(slots=True, kw_only=True)
class Account:
    """Counts of rows; a row that had failed before this run does not count for `max_failed_ratio`."""

    rows: int = 0
    judged: int = 0
    failed: int = 0  #: of the judged
    counts: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    keys: list[tuple[str, ...]] = field(default_factory=list)

    def count(self, key: Sequence[pa.Array], found: pa.Table, before: Sequence[bool]) -> None:
        """Count rows by their answers; `before` says which had failed before."""
        statuses = found["status"].to_pylist()
        self.rows += len(statuses)
        self.counts.update(statuses)
        self.judged += len(statuses) - sum(before)
        bad = [place for place, status in enumerate(statuses) if status != RowStatus.OK and not before[place]]
        self.failed += len(bad)
        codes = found["error_code"].to_pylist()
        self.codes.update(as_code(codes[place]) or statuses[place] for place in bad)
        for place in bad[: SHOWN - len(self.keys)]:
            self.keys.append(tuple(texts(column.slice(place, 1))[0] for column in key))
