"""What is asked of a table about the rows that it holds, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

#: What is asked of a target about a row: fixed columns, by their roles.
ROLES = ("status", "custom_id", "input_hash", "prompt_version", "run_id")
#: What is told of a row: these, and whether a merge would leave it, for a later snapshot has answered it.
TOLD = (*ROLES, "later")
#: The mask of settled rows, and the column of a joined query with all that is held of a row.
SETTLED, PACKED = "settled", "row"
#: What a settled row's text begins with, before its custom_id; that of another row is a JSON array.
UNCHANGED = "="


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

    def compared(self, keys: pa.RecordBatch, hashes: pa.Array, known: Known) -> pa.RecordBatch | None:
        """Return the same with the mask `SETTLED`, where the table can compare the hashes by itself.

        `hashes` are of the rows' texts, 24 hex digits each. Of a settled row only the custom_id is told.
        """
        ...

    def elsewhere(self, custom_ids: Sequence[str]) -> Elsewhere:
        """Find rows by what was asked for them, whatever their keys are."""
        ...
