"""Two rows that a peer takes the whole way first, so that its first calls are not counted either."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.task import finish_batches

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = {"id": [0, 1], "region": ["Bath", "Bath"], "ticket": ["My card is lost.", "What is the fee?"]}
_warmed: set[bool] = set()


def two_rows(steps: tuple[Callable[..., None], Callable[..., None]], folder: str, **given: Any) -> None:
    """Submit two rows, let their batch end, and read the answers, once for each kind of rows."""
    if (short := given.get("short", False)) in _warmed:
        return
    _warmed.add(short)
    with tempfile.TemporaryDirectory(prefix="warm-", dir=folder) as own:
        pq.write_table(pa.table(ROWS), Path(own, "rows.parquet"))
        known = given | {"source": {"path": str(Path(own, "rows.parquet"))}, "folder": own}
        submit, finish = steps
        submit(**known)
        finish_batches(given["api"])
        finish(**known)
