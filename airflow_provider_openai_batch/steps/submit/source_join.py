"""The rows of the source, each with what the target has about it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.batch.arguments.resend import ALL, looks
from airflow_provider_openai_batch.batch.decisions.row_decision import Rule
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.keys.target_checks import surviving
from airflow_provider_openai_batch.steps.submit.recipe import Recipe, landing, result_columns
from airflow_provider_openai_batch.tables.existing.existing_rows import in_order
from airflow_provider_openai_batch.tables.existing.held_rows import Elsewhere, Known
from airflow_provider_openai_batch.tables.existing.unchanged_rows import unpacked
from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS, grouped
from airflow_provider_openai_batch.tables.resolve import resolve_source
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.types import arrow_types

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_openai_batch.batch.arguments import arguments
    from airflow_provider_openai_batch.tables.base import Source, Target
    from airflow_provider_openai_batch.tables.existing.held_rows import Held, Join
    from airflow_provider_openai_batch.tables.existing.keys import Keys
    from airflow_provider_openai_batch.tables.landing import Landing

log = logging.getLogger(__name__)

Pair = tuple[pa.RecordBatch, pa.RecordBatch | None]
Pairs = Iterator[Pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Where rows come from and go to, and which answered rows are asked again."""

    source: arguments.Source
    #: The source itself.
    rows: Source
    target: arguments.Target | None
    #: The target itself, opened for the whole of the task.
    table: Target | None
    run_id: str
    resend: tuple[str, ...] | None
    #: The time of the snapshot, in seconds since 1970.
    at: float
    #: How many rows to read at most; None: all.
    most: int | None = None
    #: Whether errors may show values of key columns.
    show_keys: bool = True

    @property
    def looks(self) -> bool:
        """Return whether answers in the target matter."""
        return looks(self.resend, self.target)

    def rule(self, recipe: Recipe) -> Rule:
        """Say what decides on a row beside what the target holds of it."""
        return Rule(words=self.resend or (), run_id=self.run_id, prompt_version=recipe.prompt_version)

    def landing(self, recipe: Recipe, rows: pa.Schema) -> Landing:
        """Describe the load of rows with this schema."""
        assert self.target is not None
        columns = result_columns(self.target, recipe.layout, rows, recipe.output.columns)
        made = landing(self.target, self.run_id, recipe.layout, columns)
        return replace(made, at=datetime.fromtimestamp(self.at, tz=UTC))


@contextmanager
def read_beside(ends: Ends, recipe: Recipe, columns: Sequence[str]) -> Iterator[Pairs]:
    """Open the rows; the target is checked before the first row is returned."""
    checked = alter_first(ends, recipe, columns)
    join = _join(ends, recipe, columns)
    if join is not None:
        held = map(sql.held_name, sql.roles_of(join))
        with _joined(ends, join).read((*columns, *held)) as batches:
            first, rest = peek(batches)
            keys = check(ends, recipe, first, checked)
            rest = surviving(keys, recipe.layout.key, rest, show_keys=ends.show_keys)
            yield (_split(batch, join) for batch in rest)
        return
    with ends.rows.read(columns) as batches:
        first, rest = peek(_first_rows(batches, ends.most))
        keys = check(ends, recipe, first, checked)
        rest = surviving(keys, recipe.layout.key, rest, show_keys=ends.show_keys)
        found = None if first is None else held_of(ends, recipe, first.schema)
        if first is None or found is None:
            yield ((batch, None) for batch in rest)
        else:
            yield _looked_up(rest, ends.landing(recipe, first.schema), found)


def peek(batches: Iterator[pa.RecordBatch]) -> tuple[pa.RecordBatch | None, Iterator[pa.RecordBatch]]:
    """Look at the first batch without losing it."""
    first = next(batches, None)

    def again() -> Iterator[pa.RecordBatch]:
        if first is not None:
            yield first
            yield from batches

    return first, again()


def alter_first(ends: Ends, recipe: Recipe, columns: Sequence[str]) -> pa.Schema | None:
    """Check a table that lacks columns before anything is read, and return the types; otherwise None.

    A read of the table, which the source may be, holds a lock that its ALTER TABLE would wait for.
    """
    if ends.target is None or not ends.target.add_columns or ends.source.conn_id is None or not columns:
        return None
    assert ends.table is not None
    with resolve_source(ends.source, None, sql.Query.none).read(columns) as batches:
        shape = next(batches).schema
    if any(arrow_types.logical(field) == "unknown" for field in shape):
        return None  # only rows show the types; such databases do not lock what is read
    ends.table.check(ends.landing(recipe, shape))
    return shape


def check(ends: Ends, recipe: Recipe, first: pa.RecordBatch | None, checked: pa.Schema | None) -> Keys | None:
    """Check the target with the first rows, unless that was done before, and return its keys."""
    if ends.table is None or first is None:
        return None
    plan = ends.landing(recipe, first.schema)
    if checked is None:
        ends.table.check(plan)
    return ends.table.keys(plan)


def held_of(ends: Ends, recipe: Recipe, rows: pa.Schema) -> Held | None:
    """Ask the target for what it holds; None where that does not matter, or is nothing."""
    if ends.target is None or ends.table is None or not ends.looks:
        return None
    found = ends.table.held(ends.landing(recipe, rows))
    if found is not None and not found.is_dated and ALL not in (ends.resend or ()):
        raise InvalidRequest(
            f"Table {ends.target.table!r} has no column {ends.target.prefix + 'snapshot_at'!r}, which shows "
            "the latest row of a key; add the column, or set resend=['all']."
        )
    return found


def look_elsewhere(ends: Ends, recipe: Recipe, custom_ids: Sequence[str], rows: pa.Schema) -> Elsewhere:
    """Look these requests up in the target, under any key."""
    found = held_of(ends, recipe, rows)
    return Elsewhere() if found is None else found.elsewhere(custom_ids)


def _join(ends: Ends, recipe: Recipe, columns: Sequence[str]) -> Join | None:
    """Return a join of source and target, if both are in one database; None if there is none."""
    if ends.target is None or ends.source.conn_id is None or ends.source.conn_id != ends.target.conn_id:
        return None
    if not columns or not ends.looks or ends.most is not None:
        return None
    with resolve_source(ends.source, None, sql.Query.none).read(columns) as batches:
        shape = next(batches).schema
    found = held_of(ends, recipe, shape)
    if found is None:
        return None
    plain = found.join(recipe.layout.key)
    joins = [*_by_itself(ends, recipe, found, shape), *([] if plain is None else [plain])]
    return next((join for join in joins if _works(ends, join)), None)


def _by_itself(ends: Ends, recipe: Recipe, found: Held, shape: pa.Schema) -> Iterator[Join]:
    """Yield a join with which the database finds settled rows, if all used columns are text."""
    layout = recipe.layout
    if not hashes_exactly(recipe, shape) or ALL in (ends.resend or ()):
        return
    join = found.join(layout.key, known_of(ends, recipe))
    if join is not None and join.settled is not None:
        hidden = tuple(field.name for field in shape if _can_hide(field, layout.key))
        shown = tuple(name for name in shape.names if name not in hidden)
        yield replace(join, shown=shown, hidden=hidden)


def known_of(ends: Ends, recipe: Recipe) -> Known:
    """Say what settled rows were answered for."""
    return Known(
        columns=recipe.template.hashed,
        names_hash=recipe.template.names_hash,
        prompt_version=recipe.prompt_version,
        run_id=ends.run_id,
    )


def hashes_exactly(recipe: Recipe, shape: pa.Schema) -> bool:
    """Tell whether a database hashes what requests are made of as we do: all of it is text."""
    kinds = [shape.field(name) for name in recipe.layout.used]
    return all(pa.types.is_string(kind.type) and not kind.metadata for kind in kinds)


def _can_hide(field: pa.Field, key: Sequence[str]) -> bool:
    """Return whether a column is a text beside the key; the type of any other may change with NULL in it."""
    return field.name not in key and pa.types.is_string(field.type) and not field.metadata


def _works(ends: Ends, join: Join) -> bool:
    """Return whether the database understands the join; compatible servers may not."""
    try:
        _joined(ends, join).columns()
    except InvalidRequest as error:
        log.debug("Source and target are not read in one query: %s", error)
        return False
    return True


def _joined(ends: Ends, join: Join) -> Source:
    return resolve_source(ends.source, None, partial(sql.Query.joined, join=join))


def _split(batch: pa.RecordBatch, join: Join) -> Pair:
    """Separate the columns of the source from those of the target, which come last, and mark settled rows."""
    roles = sql.roles_of(join)
    start = batch.num_columns - len(roles)
    rows, found = batch.select(range(start)), batch.columns[start:]
    if join.settled is not None:
        return rows, unpacked(found[0], sql.held_roles(join))
    return rows, in_order(dict(zip(roles, found, strict=True)), batch.num_rows)


def _looked_up(batches: Iterator[pa.RecordBatch], plan: Landing, found: Held) -> Pairs:
    """Look the keys up in blocks, with one statement each."""
    for group in grouped(batches):
        rows = one_batch(group)
        yield from parts(rows, found.of(keys_of(rows, plan)))


def one_batch(group: pa.Table) -> pa.RecordBatch:
    """Make one batch of a table."""
    whole = group.combine_chunks().to_batches()
    return whole[0] if whole else pa.RecordBatch.from_pylist([], schema=group.schema)


def keys_of(rows: pa.RecordBatch, plan: Landing) -> pa.RecordBatch:
    """Take the keys of rows, whose columns begin with them, in the landing's names."""
    keys = [plan.schema.field(name) for name in plan.key]
    return pa.RecordBatch.from_arrays(rows.columns[: len(keys)], schema=pa.schema(keys))


def parts(rows: pa.RecordBatch, held: pa.RecordBatch) -> Pairs:
    """Divide rows, and what is held of them, into batches."""
    if not rows.num_rows:
        yield rows, None
    for start in range(0, rows.num_rows, BATCH_ROWS):
        yield rows.slice(start, BATCH_ROWS), held.slice(start, BATCH_ROWS)


def _first_rows(batches: Iterator[pa.RecordBatch], most: int | None) -> Iterator[pa.RecordBatch]:
    """Read at most so many rows; None: all."""
    left = most
    for batch in batches:
        part = batch if left is None else batch.slice(0, left)
        yield part
        left = None if left is None else left - part.num_rows
        if left == 0:
            return
