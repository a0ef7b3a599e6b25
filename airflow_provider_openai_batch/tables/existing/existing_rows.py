"""What a database table holds of the rows that are about to be asked: joined to them, or looked up by key."""

from __future__ import annotations

import re
from contextlib import contextmanager
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
from airflow_provider_openai_batch.tables.existing.unchanged_rows import packed, settled, settled_by, unpacked
from airflow_provider_openai_batch.tables.plan import Staging, TargetColumn
from airflow_provider_openai_batch.tables.statements.load_statements import part_of_key
from airflow_provider_openai_batch.tables.statements.normalize import as_held
from airflow_provider_openai_batch.tables.types import arrow_types, sql_types
from airflow_provider_openai_batch.tables.types.families import declared_as, family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.existing.held_rows import Known
    from airflow_provider_openai_batch.tables.plan import Plan
    from airflow_provider_openai_batch.tables.session import Session

HELD = pa.schema([(role, pa.string()) for role in TOLD])
ORDINAL = pa.field("_batch_ordinal", pa.int64())
HASH = pa.field("_batch_input_hash", pa.string())
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
        with self._staged(keys) as (session, staging):
            found = self._found(session, staging)
        told = [*(role for role, _ in self.roles), TOLD[-1]]
        return in_order(dict(zip(told, found.placed(keys.num_rows), strict=True)), keys.num_rows)

    def compared(self, keys: pa.RecordBatch, hashes: pa.Array, known: Known) -> pa.RecordBatch | None:
        """Stage the hashes beside the keys; texts are compared by bytes, whatever types the columns have."""
        held, digest = self._held(), self.dialect.lookups.digest
        same = {role: self.dialect.statements.exact(text) for role, text in held.items()}
        is_settled = settled_by(known, same, f"k.{self._quote(HASH.name)}", self.dialect)
        if is_settled is None or digest is None or self.made.landing.mode == "append":
            return None
        with self._staged(keys.append_column(HASH, hashes)) as (session, staging):
            found = self._placed(session, staging, [packed(is_settled, held, digest)])
        return unpacked(found.placed(keys.num_rows)[0], list(held))

    @contextmanager
    def _staged(self, keys: pa.RecordBatch) -> Iterator[tuple[Session, str]]:
        """Stage keys, and what else is known of each, with a number for each."""
        numbered = keys.append_column(ORDINAL, pa.array(np.arange(keys.num_rows)))
        others = map(self._staged_column, list(numbered.schema)[len(self.keys) :])
        staging = Staging(name=f"batch_keys_{uuid4().hex}", columns=(*self.keys, *others), few=True)
        with self.session() as session:
            key = self.made.landing.key
            session.stage(staging, as_held(self.keys, iter([numbered]), key=key, dialect=self.dialect))
            yield session, staging.name

    def _found(self, session: Session, staging: str) -> FoundRows:
        """Look the staged keys up; what counts comes last."""
        held = self._held()
        texts = [*(held[role] for role, _ in self.roles), held.get(TOLD[-1], "NULL")]
        if self.made.landing.mode != "append":
            return self._placed(session, staging, texts)
        rows = session.fetch(f"{self._look_up(staging, [self._number, *texts])}{self._latest_last()}")
        return of_rows(sorted(rows, key=self._is_own), len(texts))

    def _placed(self, session: Session, staging: str, texts: Sequence[str]) -> FoundRows:
        """Look texts up, gathered where the database does that."""
        number, gathered = self._number, self.dialect.lookups.gathered
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

    def _staged_column(self, field: pa.Field) -> TargetColumn:
        return TargetColumn(field=field, name=field.name, type=sql_types.sql_type(field, self.dialect))

    @property
    def _number(self) -> str:
        return f"k.{self._quote(ORDINAL.name)}"

    def _held(self) -> dict[str, str]:
        """Write what is told of a row, by roles; without `later` where no row can be."""
        unpadded, newer = self.dialect.statements.unpadded, later(self.made, "t", self.dialect)
        held = {role: unpadded(f"t.{self._quote(name)}") for role, name in self.roles}
        return held if newer is None else held | {TOLD[-1]: newer}

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
    return pa.array(values.nullable_texts(column), pa.string())
