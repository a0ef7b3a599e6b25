"""Names in SQL: quoted by sqlglot, split at dots outside quotes, matched without case."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PART = r'"(?:[^"]|"")+"|`(?:[^`]|``)+`|\[(?:[^\]]|\]\])+\]|[^."`\[\]]+'
PARTS = re.compile(rf"(?:{PART})(?:\.(?:{PART}))*")
#: How many bytes of a name a database keeps.
LONGEST = {"postgres": 63, "redshift": 127, "oracle": 128}
#: How many characters of a name a database keeps.
LONGEST_TEXT = {"mysql": 64, "tsql": 128, "snowflake": 255, "databricks": 255, "bigquery": 300}
#: How each dialect writes a name that is not quoted.
FOLDS = {"postgres": str.lower, "redshift": str.lower, "snowflake": str.upper, "oracle": str.upper}


def quote(name: str, dialect: str) -> str:
    """Write a name as a quoted identifier, whatever it holds."""
    if not name or "\0" in name:
        raise InvalidRequest(f"{name!r} is not a name for a column or table.")
    return exp.to_identifier(name, quoted=True).sql(dialect)  # type: ignore[no-any-return]


def qualified(parts: Sequence[str], dialect: str) -> str:
    """Write a table name of one or more parts."""
    return ".".join(quote(part, dialect) for part in parts)


def unpadded(text: str, dialect: str) -> str:
    """Read a text of fixed width without the blanks that fill it up; of others all blanks stay."""
    return f"CAST({text} AS TEXT)" if dialect == "postgres" else text


def fold(name: str, dialect: str) -> str:
    """Give a plain name the case that the dialect gives a name without quotes."""
    return FOLDS.get(dialect, str)(name) if PLAIN.fullmatch(name) else name


def cut(name: str, dialect: str) -> str:
    """Cut a name to the length that the database keeps of it, between characters."""
    if dialect in LONGEST:
        return name.encode()[: LONGEST[dialect]].decode(errors="ignore")
    return name[: LONGEST_TEXT.get(dialect)]


def table_parts(table: str | Sequence[str], dialect: str) -> tuple[str, ...]:
    """Split a table name at the dots outside quotes; a list is taken as it is."""
    if not isinstance(table, str):
        return tuple(table)
    if not PARTS.fullmatch(table):
        raise InvalidRequest(
            f"{table!r} is not a table name; write 'schema.table', quote a part with a dot, or give a list."
        )
    return tuple(_part(part, dialect) for part in re.findall(PART, table))


def _part(part: str, dialect: str) -> str:
    close = {'"': '"', "`": "`", "[": "]"}.get(part[0])
    return fold(part.strip(), dialect) if close is None else part[1:-1].replace(close * 2, close)


def find(name: str, among: Iterable[str]) -> str | None:
    """Find a name as it is, else without case when only one matches."""
    names = list(among)
    if name in names:
        return name
    folded = [other for other in names if other.casefold() == name.casefold()]
    return folded[0] if len(folded) == 1 else None
