"""The table in memory: it remembers every version that a reader could have seen."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.tables.landing import Landing, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from airflow_provider_openai_batch.batch.output.column_limits import Bounds
    from tests.simulation.processes import Process
    from tests.simulation.world import World

Row = dict[str, Any]


class MemoryTable:
    """What readers see; one load at a time holds its lock."""

    def __init__(self) -> None:
        self.versions: list[dict[Any, Row]] = [{}]
        self.repeated: list[Row] = []  #: rows of a load that had one of their key
        self.holder: Process | None = None

    @property
    def rows(self) -> dict[Any, Row]:
        """Return the newest version."""
        return self.versions[-1]


class MemoryTarget:
    """One load's way into the table: merge by key, keep a good answer that a failed one would replace."""

    def __init__(self, world: World, process: Process) -> None:
        self._world, self._process = world, process

    def opened(self) -> AbstractContextManager[MemoryTarget]:
        """Have nothing to open."""
        return nullcontext(self)

    def check(self, landing: Landing) -> None:
        """Take any columns."""

    def keys(self, landing: Landing) -> None:
        """Take every key as it is."""

    def carried(self, landing: Landing) -> None:
        """Take every carried value."""

    def bounds(self, landing: Landing) -> Bounds:
        """Take every answer."""
        return {}

    def write(
        self, landing: Landing, batches: Iterator[pa.RecordBatch], guard: Callable[[], None]
    ) -> Written:
        """Read all batches, take the lock, ask the guard, and commit at once."""
        new: list[Row] = []
        for batch in batches:
            self._process.point("insert rows", 0.1)
            new += batch.to_pylist()
        table = self._world.table
        self._process.wait_for(table)
        try:
            guard()
            self._process.point("commit", 0.1)
            kept = self._commit(new)
        finally:
            table.holder = None
        self._process.point("read the answer of the commit", 0.1)
        return Written(written=len(new) - kept, kept=kept)

    def _commit(self, new: list[Row]) -> int:
        table = self._world.table
        rows = dict(table.rows)
        table.repeated += [row for at, row in enumerate(new) if row["id"] in {one["id"] for one in new[:at]}]
        kept = 0
        for row in new:
            old = rows.get(row["id"])
            if old is not None and _is_better(old, row):
                kept += 1
            else:
                rows[row["id"]] = row
        table.versions.append(rows)
        self._world.tell(self._process.name, f"commits {len(new)} rows, {kept} kept as they were")
        return kept


def _is_better(old: Row, new: Row) -> bool:
    same = old["batch_custom_id"] == new["batch_custom_id"]
    return same and old["batch_status"] == "ok" and new["batch_status"] != "ok"
