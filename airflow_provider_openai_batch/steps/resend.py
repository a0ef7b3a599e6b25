"""The rows of the source, each with what the target holds of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.batch.resend import ALL, looks
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.recipe import Recipe, landing
from airflow_provider_openai_batch.steps.surviving import surviving
from airflow_provider_openai_batch.tables import sql
from airflow_provider_openai_batch.tables.base import BATCH_ROWS
from airflow_provider_openai_batch.tables.grouping import grouped
from airflow_provider_openai_batch.tables.held import in_order
from airflow_provider_openai_batch.tables.resolve import resolve_source, resolve_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_openai_batch.batch import arguments
    from airflow_provider_openai_batch.tables.base import Held, Join, Landing
    from airflow_provider_openai_batch.tables.keys import Keys

Pair = tuple[pa.RecordBatch, pa.RecordBatch | None]
Pairs = Iterator[Pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Where rows come from and go to, and which of those that are there matter."""

    source: arguments.Source
    rows: object | None
    target: arguments.Target | None
    run_id: str
    resend: tuple[str, ...] | None
    #: How many rows to read at most; None: all.
    most: int | None = None

    @property
    def looks(self) -> bool:
        """Tell whether it matters what the target holds."""
        return looks(self.resend, self.target)

    def landing(self, recipe: Recipe, rows: pa.Schema) -> Landing:
        """Describe the load of rows with this schema."""
        assert self.target is not None
        return landing(self.target, self.run_id, recipe.layout, (rows, recipe.output.columns))


@contextmanager
def read_beside(ends: Ends, recipe: Recipe, columns: Sequence[str]) -> Iterator[Pairs]:
    """Open the rows; the target is checked before the first is given."""
    join = _join(ends, recipe, columns)
    if join is not None:
        change = partial(sql.Query.joined, join=join)
        held = [sql.held_name(role) for role, _ in join.columns]
        with resolve_source(ends.source, None, change).read((*columns, *held)) as batches:
            first, rest = peek(batches)
            keys = _check(ends, recipe, first)
            rest = surviving(keys, recipe.layout.key, rest)
            yield (_split(batch, join) for batch in rest)
        return
    with resolve_source(ends.source, ends.rows).read(columns) as batches:
        first, rest = peek(_first_rows(batches, ends.most))
        keys = _check(ends, recipe, first)
        rest = surviving(keys, recipe.layout.key, rest)
        found = None if first is None else _held(ends, recipe, first.schema)
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


def _check(ends: Ends, recipe: Recipe, first: pa.RecordBatch | None) -> Keys | None:
    if ends.target is None or first is None:
        return None
    target, plan = resolve_target(ends.target), ends.landing(recipe, first.schema)
    target.check(plan)
    return target.keys(plan)


def _held(ends: Ends, recipe: Recipe, rows: pa.Schema) -> Held | None:
    if ends.target is None or not ends.looks:
        return None
    found = resolve_target(ends.target).held(ends.landing(recipe, rows))
    if found is not None and not found.is_dated and ALL not in (ends.resend or ()):
        raise InvalidRequest(
            f"Table {ends.target.table!r} has no column {ends.target.prefix + 'snapshot_at'!r}, so that "
            "nobody can tell which of a key's rows is the latest; add it, or set resend=['all']."
        )
    return found


def _join(ends: Ends, recipe: Recipe, columns: Sequence[str]) -> Join | None:
    """Say how to ask in one read: both ends are one database, and it compares the keys as a load does."""
    if ends.target is None or ends.source.conn_id is None or ends.source.conn_id != ends.target.conn_id:
        return None
    if not columns or not ends.looks or ends.most is not None:
        return None
    with resolve_source(ends.source, None, sql.Query.none).read(columns) as batches:
        shape = next(batches).schema
    found = _held(ends, recipe, shape)
    return None if found is None else found.join(recipe.layout.key)


def _split(batch: pa.RecordBatch, join: Join) -> Pair:
    """Part the columns of the source from those of the target, which come last."""
    start = batch.num_columns - len(join.columns)
    rows = batch.select(range(start))
    held = {role: batch.column(start + place) for place, (role, _) in enumerate(join.columns)}
    return rows, in_order(held, batch.num_rows)


def _looked_up(batches: Iterator[pa.RecordBatch], plan: Landing, found: Held) -> Pairs:
    """Look the keys up in blocks that are worth a statement."""
    for group in grouped(batches):
        whole = group.combine_chunks().to_batches()
        rows = whole[0] if whole else pa.RecordBatch.from_pylist([], schema=group.schema)
        keys = [plan.schema.field(name) for name in plan.key]
        held = found.of(pa.RecordBatch.from_arrays(rows.columns[: len(keys)], schema=pa.schema(keys)))
        yield from _parts(rows, held)


def _parts(rows: pa.RecordBatch, held: pa.RecordBatch) -> Pairs:
    if not rows.num_rows:
        yield rows, None
    for start in range(0, rows.num_rows, BATCH_ROWS):
        yield rows.slice(start, BATCH_ROWS), held.slice(start, BATCH_ROWS)


def _first_rows(batches: Iterator[pa.RecordBatch], most: int | None) -> Iterator[pa.RecordBatch]:
    """Read no more rows than a trial asks for; without a bound, all."""
    left = most
    for batch in batches:
        part = batch if left is None else batch.slice(0, left)
        yield part
        left = None if left is None else left - part.num_rows
        if left == 0:
            return
