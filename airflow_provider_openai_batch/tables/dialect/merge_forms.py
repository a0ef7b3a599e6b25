"""The forms of a merge that databases have: a dialect names one of them, or brings its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: Statements and the values of their parameters, which are done all or not at all; the last one counts.
Step = list[tuple[str, list[Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """What a merge is written of; all names are quoted."""

    target: str
    staging: str
    columns: tuple[str, ...]
    #: What a staged row `s` gives each of the columns, as the table's type.
    values: tuple[str, ...]
    key: tuple[str, ...]
    #: The columns that `free` reads.
    read: tuple[str, ...]
    #: The INSERT of all staged rows.
    insert: str
    #: The condition that a staged row `s` and a row `t` of the table have one key.
    same: str
    #: The condition that a row of the table may be overwritten, by what the new and the old row are called.
    free: Callable[[str, str], str]


def conflict(merging: Merging) -> str:
    """Write `INSERT .. ON CONFLICT`."""
    changed = ", ".join(f"{name} = excluded.{name}" for name in merging.columns)
    return (
        f"{merging.insert} WHERE TRUE ON CONFLICT ({', '.join(merging.key)}) "
        f"DO UPDATE SET {changed} WHERE {merging.free('excluded', 't')}"
    )


def duplicate(merging: Merging) -> str:
    """Update column by column; what the condition reads comes last, for each reads those before it.

    A written status is one of ours, so that the condition on the snapshot's time still holds then.
    """
    free, target = merging.free("s", merging.target), merging.target
    others = [name for name in merging.columns if name not in {*merging.read, *merging.key}]
    changed = ", ".join(
        f"{target}.{name} = IF({free}, s.{name}, {target}.{name})" for name in (*others, *merging.read)
    )
    return f"{merging.insert} WHERE TRUE ON DUPLICATE KEY UPDATE {changed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacing:
    """What rows are replaced by: those that meet a condition go, and the staged ones come."""

    merging: Merging
    #: The DELETE of the rows that go, and the values of its parameters.
    delete: tuple[str, list[Any]]
    #: The INSERT of the staged rows; those that the table holds all the same are left out where they may.
    insert: str


def deleted_and_inserted(replacing: Replacing) -> Step:
    """Write a DELETE and an INSERT, which the session does together."""
    return [replacing.delete, (replacing.insert, [])]


def matched(merging: Merging) -> str:
    """Write the standard's MERGE."""
    given = zip(merging.columns, merging.values, strict=True)
    changed = ", ".join(f"{name} = {value}" for name, value in given if name not in merging.key)
    values = ", ".join(merging.values)
    return (
        f"MERGE INTO {merging.target} AS t USING {merging.staging} AS s ON {merging.same} "
        f"WHEN MATCHED AND {merging.free('s', 't')} THEN UPDATE SET {changed} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(merging.columns)}) VALUES ({values})"
    )
