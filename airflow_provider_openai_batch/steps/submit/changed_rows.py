"""The rows that are not as they were, found by hashes of the source's own: only these are read whole."""

from __future__ import annotations

import logging
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.arguments.resend import ALL
from airflow_provider_openai_batch.batch.decisions.row_decision import HEAD, unbuilt_rows
from airflow_provider_openai_batch.batch.text.digests import digests, from_hexadecimal
from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES
from airflow_provider_openai_batch.batch.text.seen_hashes import as_hashes
from airflow_provider_openai_batch.batch.text.values import text_array
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.steps.keys.target_checks import surviving
from airflow_provider_openai_batch.steps.submit.source_join import (
    alter_first,
    check,
    hashes_exactly,
    held_of,
    keys_of,
    known_of,
    one_batch,
    parts,
)
from airflow_provider_openai_batch.tables.base import Hashing
from airflow_provider_openai_batch.tables.existing.held_rows import SETTLED, TOLD
from airflow_provider_openai_batch.tables.grouping import GROUP_BYTES, GROUP_ROWS, grouped
from airflow_provider_openai_batch.tables.types import arrow_types

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    import numpy.typing as npt

    from airflow_provider_openai_batch.steps.submit.recipe import Recipe
    from airflow_provider_openai_batch.steps.submit.source_join import Ends, Pair, Pairs
    from airflow_provider_openai_batch.tables.base import Steady
    from airflow_provider_openai_batch.tables.existing.held_rows import Held
    from airflow_provider_openai_batch.tables.existing.keys import Keys
    from airflow_provider_openai_batch.tables.landing import Landing

log = logging.getLogger(__name__)

#: Of so many rows one may have changed; where more have, reading all of them costs less.
MOST_CHANGED = 4


class ReadWhole(Exception):
    """All rows are to be read whole; so far only settled rows were returned."""


@contextmanager
def read_changed(ends: Ends, recipe: Recipe, columns: Sequence[str]) -> Iterator[Pairs]:
    """Open the rows: first those that are settled, without their texts, then the others, whole.

    ReadWhole if the source cannot do that, has changed in too many rows, or shows other rows when it is
    read again; it comes before the first of the others.
    """
    if not columns or not isinstance(ends.rows, Hashing):
        raise ReadWhole
    with ends.rows.steady(columns) as steady:
        opened = _opened(ends, recipe, columns, steady)
        with closing(opened.pairs()) as pairs:
            yield pairs


def may_hash(ends: Ends) -> bool:
    """Tell whether it may be worth the try: not where one query joins source and target."""
    if ends.target is None or ends.table is None or not ends.looks or ALL in (ends.resend or ()):
        return False
    is_apart = ends.source.conn_id != ends.target.conn_id
    return is_apart and ends.most is None and isinstance(ends.rows, Hashing)


def _opened(ends: Ends, recipe: Recipe, columns: Sequence[str], steady: Steady) -> _Hashed:
    shape = steady.schema
    if not hashes_exactly(recipe, shape) or not all(
        _names_rows(shape.field(key)) for key in recipe.layout.key
    ):
        raise ReadWhole
    try:
        found = held_of(ends, recipe, shape)
        is_worth_it = found is not None and steady.is_cheap
    except InvalidRequest as error:
        raise ReadWhole from error  # what else is wrong with the target is said first
    if found is None or not is_worth_it:
        raise ReadWhole
    keys = check(ends, recipe, arrow_types.no_rows(shape), alter_first(ends, recipe, columns))
    return _Hashed(ends=ends, recipe=recipe, steady=steady, found=found, keys=keys)


def _names_rows(field: pa.Field) -> bool:
    """Tell whether a key's text in the database is what we make of it."""
    is_text = pa.types.is_string(field.type) and arrow_types.logical(field) in {None, "uuid"}
    return is_text or bool(pa.types.is_signed_integer(field.type))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hashed:
    """Rows of a source that hashes them, beside a target."""

    ends: Ends
    recipe: Recipe
    steady: Steady
    found: Held
    keys: Keys | None

    def pairs(self) -> Generator[Pair]:
        """Give settled rows while they come, and then the others in the source's order."""
        changed: list[tuple[pa.RecordBatch, pa.RecordBatch]] = []
        try:
            yield from self._settled(changed)
            again = self._again(*map(_joined, zip(*changed, strict=True))) if changed else None
        except OpenAIBatchError as error:
            log.debug("The rows are not read by their hashes: %s", error)
            raise ReadWhole from error
        if again is not None:
            yield from parts(*again)

    def _settled(self, changed: list[tuple[pa.RecordBatch, pa.RecordBatch]]) -> Iterator[Pair]:
        """Give rows of which nothing is asked; keep the keys and hashes of others, and what is held."""
        layout = self.recipe.layout
        plan = self.ends.landing(self.recipe, self.steady.schema)
        read = count = 0
        with self.steady.hashes(layout.key, self.recipe.template.hashed) as batches:
            checked = surviving(self.keys, layout.key, batches, show_keys=self.ends.show_keys)
            for group in grouped(checked):
                rows = one_batch(group)
                held = self._held(rows, plan)
                maybe = pa.array(self._maybe(rows, held))
                read, count = read + rows.num_rows, count + maybe.true_count
                if count > GROUP_ROWS or count * MOST_CHANGED > read:
                    raise ReadWhole
                if maybe.true_count:
                    changed.append((rows.filter(maybe), held.select(list(TOLD)).filter(maybe)))
                    rows, held = rows.filter(pc.invert(maybe)), held.filter(pc.invert(maybe))
                yield self._without_texts(rows), _marked(held)

    def _held(self, rows: pa.RecordBatch, plan: Landing) -> pa.RecordBatch:
        """Look rows up, and mark those that the target finds settled by itself."""
        keys, hashes = keys_of(rows, plan), rows.column(rows.num_columns - 1)
        held = self.found.compared(keys, hashes, known_of(self.ends, self.recipe))
        return _marked(self.found.of(keys), settled=False) if held is None else held

    def _maybe(self, rows: pa.RecordBatch, held: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        """Mask the rows that may be asked: none of those that are settled."""
        maybe: npt.NDArray[np.bool_] = ~held.column(SETTLED).to_numpy(zero_copy_only=False)
        others = pa.array(maybe)
        rows, held = rows.filter(others), held.select(list(TOLD)).filter(others)
        maybe[maybe] = unbuilt_rows(self.ends.rule(self.recipe), held, self._inputs(rows)).maybe
        return maybe

    def _inputs(self, rows: pa.RecordBatch) -> npt.NDArray[np.uint8]:
        """Read the input hashes of rows."""
        head = np.frombuffer(bytes.fromhex(self.recipe.template.names_hash), dtype=np.uint8)
        texts, valid = from_hexadecimal(rows.column(rows.num_columns - 1), ID_BYTES - HEAD)
        if not valid.all():
            raise ReadWhole
        return np.hstack([np.tile(head, (len(texts), 1)), texts])

    def _without_texts(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Write rows with the key alone, as the database joins hide them."""
        columns = [
            rows.column(field.name)
            if field.name in self.recipe.layout.key
            else pa.nulls(len(rows), field.type)
            for field in self.steady.schema
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.steady.schema)

    def _again(self, hashed: pa.RecordBatch, held: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """Read rows whole; they must be those that were hashed."""
        key = list(self.recipe.layout.key)
        wanted = hashed.select(key)
        if any(column.null_count for column in wanted.columns):
            raise ReadWhole
        rows = one_batch(self._whole(wanted))
        ours, theirs = _hashes(wanted), _hashes(rows.select(key))
        order, place = np.argsort(ours, kind="stable"), np.argsort(theirs, kind="stable")
        if len(ours) != len(theirs) or (ours[order] != theirs[place]).any():
            raise ReadWhole
        places = np.empty_like(place)
        places[order] = place
        rows = rows.take(pa.array(places))
        used = {name: text_array(rows.column(name)) for name in self.recipe.layout.used}
        if (self.recipe.template.input_hashes(used) != self._inputs(hashed)).any():
            raise ReadWhole
        return rows, held

    def _whole(self, wanted: pa.RecordBatch) -> pa.Table:
        found: list[pa.RecordBatch] = []
        with self.steady.rows(wanted) as batches:
            for batch in batches:
                found.append(batch)
                if sum(each.num_rows for each in found) > wanted.num_rows:
                    raise ReadWhole
                if sum(each.nbytes for each in found) > GROUP_BYTES:
                    raise ReadWhole
        return pa.Table.from_batches(found)


def _marked(held: pa.RecordBatch, *, settled: bool = True) -> pa.RecordBatch:
    """Mark all rows as settled, or none."""
    marks = pa.array(np.full(held.num_rows, settled))
    return pa.RecordBatch.from_arrays([*held.select(list(TOLD)).columns, marks], names=[*TOLD, SETTLED])


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return one_batch(pa.Table.from_batches(batches))


def _hashes(keys: pa.RecordBatch) -> np.ndarray:
    return as_hashes(digests([text_array(column) for column in keys.columns]))
