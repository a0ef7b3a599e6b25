"""The columns of a table that a load creates, where they are to be other than their values' types ask."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.tables.limits.column_width import LONGEST
from airflow_provider_openai_batch.tables.types.families import family

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.dialect.statements import Index
    from airflow_provider_openai_batch.tables.plan import Plan, TargetColumn

TEXTS = frozenset({"text", "bytes"})
#: How long the id of a run is in a key, if there is as much room, and a short fixed column elsewhere.
RUN_ID = 384
SHORT = 64


def told_apart(made: Plan, dialect: Dialect) -> Plan:
    """Give the text keys of a new table a collation that tells them apart, and texts a length if need be."""
    if dialect.statements.key_collation is None:
        return made
    return replace(made, columns=tuple(_exact(made, column, dialect) for column in made.columns))


def _exact(made: Plan, column: TargetColumn, dialect: Dialect) -> TargetColumn:
    kind, index = family(column.type, dialect), dialect.statements.index
    if index is not None:
        return _short(made, column, index, dialect) if kind in TEXTS else column
    is_exact = kind == "text" and _is_key(made, column)
    return replace(column, collation=dialect.statements.key_collation) if is_exact else column


def _is_key(made: Plan, column: TargetColumn) -> bool:
    return column.name in made.unique


def _short(made: Plan, column: TargetColumn, index: Index, dialect: Dialect) -> TargetColumn:
    """Make short texts short, for no others are sorted, grouped, and indexed."""
    if not _is_key(made, column):
        return replace(column, type=f"VARCHAR({SHORT})") if column.role in LONGEST else column
    share = _share(made, column, index, dialect)
    if pa.types.is_string(column.field.type):
        return replace(column, type=f"VARCHAR({share})", collation=dialect.statements.key_collation)
    return replace(column, type=f"VARBINARY({share * index.character})")


def _share(made: Plan, column: TargetColumn, index: Index, dialect: Dialect) -> int:
    """Share out the length of an index, in characters, among the texts of a key."""
    keys = [key for key in made.columns if _is_key(made, key)]
    texts = [key for key in keys if family(key.type, dialect) in TEXTS]
    room = (index.most_bytes - index.other * (len(keys) - len(texts))) // index.character
    if made.landing.mode != "append":
        return room // len(texts)
    run_id = min(RUN_ID, room // len(texts))
    run_id = max(run_id, min(len(made.landing.run_id), room // 2))
    return run_id if column.role == "run_id" else (room - run_id) // max(1, len(texts) - 1)
