"""What a load brings to its target, and the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

Mode = Literal["merge", "append", "replace_partition"]


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
    #: A column that the table lacks is added by the load; else it is an error.
    add_columns: bool = False
    #: When the rows were read; None: not known.
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a load did: rows put in, and rows that were left as they are."""

    written: int
    kept: int
    #: Rows that are not in the table by the keys that they came with: no later run finds them.
    changed_keys: int = 0
