"""The two ends of a run: where its rows come from and where its results go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from airflow_provider_openai_batch.batch.output.column_limits import Bounds
    from airflow_provider_openai_batch.tables.existing.held_rows import Held
    from airflow_provider_openai_batch.tables.existing.keys import Keys
    from airflow_provider_openai_batch.tables.landing import Landing, Written
    from airflow_provider_openai_batch.tables.targets.carried_values import Carried


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


class Steady(Protocol):
    """A source as of one moment: each read finds the same rows, and none changes anything."""

    @property
    def schema(self) -> pa.Schema:
        """Describe the columns."""
        ...

    @property
    def is_cheap(self) -> bool:
        """Tell whether a read of a few rows costs no more than to find them: nothing is summed up."""
        ...

    def hashes(
        self, key: Sequence[str], hashed: Sequence[str]
    ) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        """Read the key's columns of all rows, and after them the hash of what is in some columns of text.

        It is what `batch.digests` gives, in 24 hex digits; NULL if the database does not hold UTF-8.
        """
        ...

    def rows(self, keys: pa.RecordBatch) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        """Read the rows that have one of these keys, which are integers or texts, in any order."""
        ...


@runtime_checkable
class Hashing(Protocol):
    """A source whose database hashes texts by itself, and can be read twice as of one moment."""

    def steady(self, columns: Sequence[str]) -> AbstractContextManager[Steady]:
        """Open it for columns; the moment is that of the first read."""
        ...


class Target(Protocol):
    """A table that takes the whole result of a run or nothing of it."""

    def opened(self) -> AbstractContextManager[Target]:
        """Keep one connection for all that is asked until the end; without this, each method opens its own.

        Between two calls it holds nothing that others may wait for, and a dropped one is opened again.
        """
        ...

    def check(self, landing: Landing) -> None:
        """Raise InvalidRequest if the load could not be done; changes nothing."""
        ...

    def keys(self, landing: Landing) -> Keys | None:
        """Say which keys would not be held as they are; None where all are."""
        ...

    def carried(self, landing: Landing) -> Carried | None:
        """Say which keys and carried values the table refuses; None where none is."""
        ...

    def bounds(self, landing: Landing) -> Bounds:
        """Say which answers the table's columns take, by the landing's names: others would stop a load."""
        ...

    def held(self, landing: Landing) -> Held | None:
        """Find what the table holds; None while there is no table."""
        ...

    def write(
        self, landing: Landing, batches: Iterator[pa.RecordBatch], guard: Callable[[], None]
    ) -> Written:
        """Write all rows in one transaction; `guard`, called just before, raises if the load is outdated."""
        ...
