"""The two ends of a run: where its rows come from and where its results go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

#: How many rows a batch holds at most.
BATCH_ROWS = 4096

Mode = Literal["merge", "append", "replace_partition"]


class Source(Protocol):
    """A table that can be read more than once, column by column, in bounded memory."""

    def columns(self) -> tuple[str, ...]:
        """Name the columns in the source's order, without reading rows."""
        ...

    def read(self, columns: Sequence[str]) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        """Open the rows with only these columns; all batches have one Arrow schema.

        A source that has columns but no rows gives one empty batch, which tells their types.
        Types that Arrow has no exact form for are text with the field metadata `logical`:
        `uuid`, `json`, `decimal` (without a fixed scale), or `unknown` (no rows tell the type).
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What a load brings: the result's columns and how they meet the rows that are there.

    Names are the target's (renamed already). A fixed column says its role, its name without the
    prefix, in the field metadata `batch`.
    """

    schema: pa.Schema
    key: tuple[str, ...]
    mode: Mode
    partition: dict[str, Any]
    run_id: str
    prefix: str
    #: Columns copied from the source: they alone may meet a NOT NULL column; None: not known.
    carried: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a load did: rows put in, and rows that were left as they are."""

    written: int
    kept: int


class Target(Protocol):
    """A table that takes the whole result of a run or nothing of it."""

    def check(self, landing: Landing) -> None:
        """Raise InvalidRequest if the load could not be done; changes nothing."""
        ...

    def write(
        self, landing: Landing, batches: Iterator[pa.RecordBatch], guard: Callable[[], None]
    ) -> Written:
        """Write all rows at once; `guard` raises, just before it, if the load is out of date."""
        ...
