"""Names in SQL: split at dots outside quotes, matched without case."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect

PART = r'"(?:[^"]|"")+"|`(?:[^`]|``)+`|\[(?:[^\]]|\]\])+\]|[^."`\[\]]+'
PARTS = re.compile(rf"(?:{PART})(?:\.(?:{PART}))*")


def table_parts(table: str | Sequence[str], dialect: Dialect) -> tuple[str, ...]:
    """Split a table name at the dots outside quotes; a list is taken as it is."""
    return _parts(table, dialect.fold)


def written_parts(table: str | Sequence[str]) -> tuple[str, ...]:
    """Split a table name in the same way, but leave the case as it is written: no database is known."""
    return _parts(table, str)


def _parts(table: str | Sequence[str], fold: Callable[[str], str]) -> tuple[str, ...]:
    if not isinstance(table, str):
        return tuple(table)
    if not PARTS.fullmatch(table):
        raise InvalidRequest(
            f"{table!r} is not a table name; write 'schema.table', quote a part with a dot, or give a list."
        )
    return tuple(_part(part, fold) for part in re.findall(PART, table))


def _part(part: str, fold: Callable[[str], str]) -> str:
    close = {'"': '"', "`": "`", "[": "]"}.get(part[0])
    return fold(part.strip()) if close is None else part[1:-1].replace(close * 2, close)


def find(name: str, among: Iterable[str]) -> str | None:
    """Find a name as it is, else without case when only one matches."""
    names = list(among)
    if name in names:
        return name
    folded = [other for other in names if other.casefold() == name.casefold()]
    return folded[0] if len(folded) == 1 else None
