"""The two ends of a run: where its rows come from and where its results go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from airflow_provider_openai_batch.batch.output.column_limits import Bounds
    from airflow_provider_openai_batch.tables.carried import Carried
    from airflow_provider_openai_batch.tables.keys import Keys
    from airflow_provider_openai_batch.tables.landing import Landing, Written

#: How many rows a batch holds at most.
BATCH_ROWS = 4096


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


#: What is asked of a target about a row: fixed columns, by their roles.
ROLES = ("status", "custom_id", "input_hash", "prompt_version", "run_id")
#: What is told of a row: these, and whether a merge would leave it, for a later snapshot has answered it.
TOLD = (*ROLES, "later")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a row was answered for if nothing is to be asked of it; a database may compare it by itself."""

    #: The columns that requests are made of, in the order that they are hashed in.
    columns: tuple[str, ...]
    names_hash: str
    prompt_version: str
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """How a query is joined to a table of the same database, for what it holds of each row.

    `same` calls the query `source` and the table `target`; `columns` are roles and the table's columns.
    """

    table: tuple[str, ...]
    same: str
    columns: tuple[tuple[str, str], ...]
    #: An expression that is not NULL for a row that a merge would leave for a later snapshot.
    later: str | None = None
    #: The condition that a row is settled: of such a row the source's columns in `hidden` are NULL, those
    #: in `shown` are not, and no others are read.
    settled: str | None = None
    shown: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Rows of a table that were found by what was asked for them.

    `keys` holds their keys as texts, by custom_id.
    """

    table: str = ""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Triggers, rules, and policies of the table.
    hooks: tuple[str, ...] = ()


class Held(Protocol):
    """What a table holds of rows, asked by their keys."""

    @property
    def is_dated(self) -> bool:
        """Tell whether the latest of several rows that have one key is known."""
        ...

    def join(self, keys: Sequence[str], known: Known | None = None) -> Join | None:
        """Say how to ask in the same read, by the source's names of the key's columns.

        None where the two would not compare as the table does. With what is `known` of settled rows, the
        database finds them itself where it can.
        """
        ...

    def of(self, keys: pa.RecordBatch) -> pa.RecordBatch:
        """Return texts by `TOLD` for each key (in the landing's names), NULL where nothing is held.

        Of several rows that have one key, that of the latest snapshot counts.
        """
        ...

    def elsewhere(self, custom_ids: Sequence[str]) -> Elsewhere:
        """Find rows by what was asked for them, whatever their keys are."""
        ...


class Target(Protocol):
    """A table that takes the whole result of a run or nothing of it."""

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
        """Write all rows at once; `guard` raises, just before it, if the load is out of date."""
        ...
