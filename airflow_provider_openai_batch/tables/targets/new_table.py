"""The columns of a table that a load creates, where they are to be other than their values' types ask."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.tables.limits.column_width import LONGEST
from airflow_provider_openai_batch.tables.types.families import family

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.plan import Plan, TargetColumn

MYSQL = "mysql"
#: Texts that differ, also by case, accents, or blanks at the end, are never equal. The names of MySQL (from
#: 8.0.17) and MariaDB stand in comments that only the one or the other reads.
EXACT_MYSQL = "/*!80017 utf8mb4_0900_bin *//*M!100200 utf8mb4_nopad_bin */"
#: How many bytes of one row InnoDB holds in an index, and how many a character of utf8mb4 may have.
INDEXED_BYTES = 3072
CHARACTER_BYTES = 4
#: What is set aside for each other column of a key: no number or date has more.
OTHER_BYTES = 32
#: How long the id of a run is in a key, if there is as much room, and a short fixed column elsewhere.
RUN_ID = 384
SHORT = 64


def told_apart(made: Plan, dialect: str) -> Plan:
    """Give the text keys of a new table a collation that tells them apart, and on MySQL a length."""
    if dialect == "postgres":
        exact = (
            replace(column, collation='"C"') if _is_key(made, column) and column.type == "TEXT" else column
            for column in made.columns
        )
    elif dialect == MYSQL:
        exact = (_of_mysql(made, column) for column in made.columns)
    else:
        return made
    return replace(made, columns=tuple(exact))


def _is_key(made: Plan, column: TargetColumn) -> bool:
    return column.name in made.unique


def _of_mysql(made: Plan, column: TargetColumn) -> TargetColumn:
    """Make short texts short, for MySQL sorts, groups, and indexes no others."""
    if family(column.type, MYSQL) not in {"text", "bytes"}:
        return column
    if not _is_key(made, column):
        return replace(column, type=f"VARCHAR({SHORT})") if column.role in LONGEST else column
    if pa.types.is_string(column.field.type):
        return replace(column, type=f"VARCHAR({_share(made, column)})", collation=EXACT_MYSQL)
    return replace(column, type=f"VARBINARY({_share(made, column) * CHARACTER_BYTES})")


def _share(made: Plan, column: TargetColumn) -> int:
    """Share out the length of an index, in characters, among the texts of a key."""
    keys = [key for key in made.columns if _is_key(made, key)]
    texts = [key for key in keys if family(key.type, MYSQL) in {"text", "bytes"}]
    room = (INDEXED_BYTES - OTHER_BYTES * (len(keys) - len(texts))) // CHARACTER_BYTES
    if made.landing.mode != "append":
        return room // len(texts)
    run_id = min(RUN_ID, room // len(texts))
    run_id = max(run_id, min(len(made.landing.run_id), room // 2))
    return run_id if column.role == "run_id" else (room - run_id) // max(1, len(texts) - 1)
