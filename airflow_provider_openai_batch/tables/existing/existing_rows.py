"""What a database table holds of the rows that are about to be asked: joined to them, or looked up by key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pyarrow as pa

from airflow_provider_openai_batch.batch.text import values
from airflow_provider_openai_batch.tables.dialect.dialect import STANDARD
from airflow_provider_openai_batch.tables.existing.found_rows import (
    GATHERED,
    FoundRows,
    of_gathered,
    of_rows,
    text_array,
)
from airflow_provider_openai_batch.tables.existing.held_rows import ROLES, TOLD, Elsewhere, Join
from airflow_provider_openai_batch.tables.existing.newer_rows import later
from airflow_provider_openai_batch.tables.existing.triggers_and_rules import hooked
from airflow_provider_openai_batch.tables.existing.unchanged_rows import settled
from airflow_provider_openai_batch.tables.plan import Staging, TargetColumn
from airflow_provider_openai_batch.tables.statements.load_statements import part_of_key
from airflow_provider_openai_batch.tables.statements.normalize import as_held
from airflow_provider_openai_batch.tables.types import arrow_types, sql_types
from airflow_provider_openai_batch.tables.types.families import declared_as, family

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.existing.held_rows import Known
    from airflow_provider_openai_batch.tables.plan import Plan
    from airflow_provider_openai_batch.tables.session import Session

HELD = pa.schema([(role, pa.string()) for role in TOLD])
ORDINAL = pa.field("_batch_ordinal", pa.int64())
#: How many rows are looked through for other keys where nothing speaks for any, and how many are named.
MOST_SCANNED, MOST_FOUND = 1_000_000, 1_000
#: Families of types that two columns of one database compare exactly within.
COMPARED = frozenset({"int", "text", "uuid", "date"})
#: A text of fixed width, whose blanks at the end count for nothing only beside another one.
PADDED = re.compile(r"(char|character|bpchar)\b(?! varying)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRows:
    """The rows of an existing table, as a plan names its columns."""

    made: Plan
    dialect: Dialect
    session: Callable[[], AbstractContextManager[Session]]

    @property
    def is_dated(self) -> bool:
        return self.made.landing.mode != "append" or self.made.role("snapshot_at") is not None

    @property
    def keys(self) -> tuple[TargetColumn, ...]:
        """Return the key's columns in the order of the key."""
        columns = {column.field.name: column for column in self.made.columns}
        return tuple(columns[name] for name in self.made.landing.key)

    @property
    def roles(self) -> tuple[tuple[str, str], ...]:
        """Return the roles that the table has columns for, and these."""
        found = ((role, self.made.role(role)) for role in ROLES)
        return tuple((role, name) for role, name in found if name is not None)

    def join(self, keys: Sequence[str], known: Known | None = None) -> Join | None:
        """Join on the bare columns, so that indexes serve; only where their types compare exactly."""
        if self.made.landing.mode != "merge" or not all(map(self._compares, self.keys)):
            return None
        same = " AND ".join(map(self._same, keys, self.keys))
        found = None if known is None else settled(known, dict(self.roles), self.dialect)
        newer = later(self.made, "target", self.dialect)
        return Join(table=self.made.parts, same=same, columns=self.roles, later=newer, settled=found)

    def of(self, keys: pa.RecordBatch) -> pa.RecordBatch:
        """Stage the keys as the table holds keys, and join the table to them."""
        numbered = keys.append_column(ORDINAL, pa.array(np.arange(keys.num_rows)))
        staging = Staging(name=f"batch_keys_{uuid4().hex}", columns=(*self.keys, self._ordinal()), few=True)
        with self.session() as session:
            key = self.made.landing.key
            session.stage(staging, as_held(self.keys, iter([numbered]), key=key, dialect=self.dialect))
            found = self._found(session, staging.name)
        told = [*(role for role, _ in self.roles), TOLD[-1]]
        return in_order(dict(zip(told, found.placed(keys.num_rows), strict=True)), keys.num_rows)

    def _found(self, session: Session, staging: str) -> FoundRows:
        """Look the staged keys up; what counts comes last."""
        number, texts = f"k.{self._quote(ORDINAL.name)}", self._texts()
        gathered = self.dialect.lookups.gathered
        if self.made.landing.mode == "append":
            rows = session.fetch(f"{self._look_up(staging, [number, *texts])}{self._latest_last()}")
            return of_rows(sorted(rows, key=self._is_own), len(texts))
        if gathered is None:
            return of_rows(session.fetch(self._look_up(staging, [number, *texts])), len(texts))
        statement = self._look_up(staging, [gathered(number, texts)])
        return of_gathered(session.fetch(f"{statement} GROUP BY {number} / {GATHERED}"), len(texts))

    def elsewhere(self, custom_ids: Sequence[str]) -> Elsewhere:
        """Scan the table, for nothing indexes what was asked: all of it only where it has hooks."""
        with self.session() as session:
            hooks = tuple(hooked(session, self.made.parts))
            found = session.fetch(self._scan(custom_ids, None if hooks else MOST_SCANNED))
        keys = {str(row[0]).rstrip(): tuple(map(str, row[1:])) for row in found}
        return Elsewhere(table=".".join(self.made.parts), keys=keys, hooks=hooks)

    def _scan(self, custom_ids: Sequence[str], most: int | None) -> str:
        named = self._quote(self.made.role("custom_id") or "")
        columns = ", ".join([named, *(self._quote(column.name) for column in self.keys)])
        rows = f"SELECT {columns} FROM {self.dialect.qualified(self.made.parts)}"
        if most is not None:
            rows = f"{rows} LIMIT {most}"
        ids = ", ".join(f"'{custom_id}'" for custom_id in custom_ids)
        return f"SELECT {columns} FROM ({rows}) AS t WHERE {named} IN ({ids}) LIMIT {MOST_FOUND}"

    def _is_own(self, row: tuple[Any, ...]) -> bool:
        """Tell a row of this run, which counts whatever came later: the load of this run replaces it."""
        place = [role for role, _ in self.roles].index("run_id")
        return bool(row[1 + place] == self.made.landing.run_id)

    def _ordinal(self) -> TargetColumn:
        return TargetColumn(field=ORDINAL, name=ORDINAL.name, type=sql_types.sql_type(ORDINAL, self.dialect))

    def _texts(self) -> list[str]:
        """Write what is told of a row, by its roles."""
        quoted = (f"t.{self._quote(name)}" for _, name in self.roles)
        newer = later(self.made, "t", self.dialect) or "NULL"
        return [*map(self.dialect.statements.unpadded, quoted), newer]

    def _look_up(self, staging: str, chosen: Sequence[str]) -> str:
        same = " AND ".join(
            f"{part_of_key('t', key, self.dialect)} = k.{self._quote(key.name)}" for key in self.keys
        )
        return (
            f"SELECT {', '.join(chosen)} FROM {self._quote(staging)} AS k "
            f"JOIN {self.dialect.qualified(self.made.parts)} AS t ON {same}"
        )

    def _latest_last(self) -> str:
        """Order rows of one key by their snapshots; what was never written by us comes first."""
        name = self.made.role("snapshot_at")
        if name is None:
            return ""
        snapshot = f"t.{self._quote(name)}"
        return f" ORDER BY CASE WHEN {snapshot} IS NULL THEN 0 ELSE 1 END, {snapshot}"

    def _compares(self, column: TargetColumn) -> bool:
        ours = family(sql_types.generic_type(column.field), STANDARD)
        known = arrow_types.logical(column.field) != "unknown" and not PADDED.match(column.type)
        return known and ours in COMPARED and family(column.type, self.dialect) == ours

    def _same(self, name: str, column: TargetColumn) -> str:
        """Compare as the table does: its collation decides, and comes first where sides matter."""
        theirs = part_of_key(self._quote("target"), column, self.dialect)
        ours = f"{self._quote('source')}.{self._quote(name)}"
        return f"{theirs} = {self.dialect.lookups.compared(ours, declared_as(column, self.dialect))}"

    def _quote(self, name: str) -> str:
        return self.dialect.quote(name)


def in_order(columns: dict[str, Any], count: int) -> pa.RecordBatch:
    """Make a batch of texts by `TOLD`; a role without a column is NULL in every row."""
    arrays = [_texts(columns[role]) if role in columns else pa.nulls(count, pa.string()) for role in TOLD]
    return pa.RecordBatch.from_arrays(arrays, schema=HELD)


def _texts(column: Any) -> pa.Array:
    if not isinstance(column, pa.Array):
        column = text_array(column)
    if pa.types.is_string(column.type):
        return column
    shown = zip(values.texts(column), column.is_valid().to_pylist(), strict=True)
    return pa.array([text if valid else None for text, valid in shown], pa.string())
