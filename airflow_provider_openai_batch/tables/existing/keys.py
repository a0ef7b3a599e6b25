"""Keys as the target's columns hold them: each as it is, and apart from the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.output.column_limits import (
    Bound,
    Bytes,
    Characters,
    Charset,
    Depth,
    Words,
)
from airflow_provider_openai_batch.batch.text.values import texts
from airflow_provider_openai_batch.tables.limits.declared_limits import bound_of
from airflow_provider_openai_batch.tables.plan import Plan, Staging, TargetColumn
from airflow_provider_openai_batch.tables.statements.normalize import as_held
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import family, parsed
from airflow_provider_openai_batch.tables.types.timestamp_precision import digits_of, is_multiple

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.session import Session

#: Tell which values of a column the target's column does not hold as they are.
Lost = Callable[[pa.Array], pa.Array]
#: How many keys a message names.
MOST_SHOWN = 5
#: More digits than a number of any database has.
EXACT = Context(prec=40_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The key's columns of one load; batches hold them alone, in the key's order."""

    columns: tuple[TargetColumn, ...]
    lost: tuple[Lost | None, ...]
    dialect: Dialect
    session: Callable[[], AbstractContextManager[Session]]

    @property
    def blurs(self) -> bool:
        """Tell whether texts that differ may be one key there; those of JSON are, by their order."""
        return any(
            not column.exact or column.type.lower() in self.dialect.json.parsed for column in self.columns
        )

    def changed(self, keys: pa.RecordBatch) -> tuple[str, list[tuple[str, ...]]] | None:
        """Find a few keys that would not be what they are, and say in which column; NULL is no matter."""
        for column, lost, values in zip(self.columns, self.lost, keys.columns, strict=True):
            if lost is None:
                continue
            places = pc.indices_nonzero(pc.fill_null(lost(values), False))[:MOST_SHOWN]
            if len(places):
                return f"{column.name!r} of type {column.type}", shown(keys.take(places))
        return None

    def twice(self, batches: Iterable[pa.RecordBatch]) -> list[tuple[str, ...]]:
        """Let the database find a few keys that it holds as one with another."""
        staging = Staging(name=f"batch_keys_{uuid4().hex}", columns=self.columns)
        key = ", ".join(self.dialect.quote(column.name) for column in self.columns)
        table = self.dialect.quote(staging.name)
        query = f"SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1 LIMIT {MOST_SHOWN}"
        with self.session() as session:
            held = as_held(self.columns, iter(batches), key=self.names, dialect=self.dialect)
            session.stage(staging, held)
            return [tuple(map(str, row)) for row in session.fetch(query)]

    @property
    def names(self) -> tuple[str, ...]:
        """Name the columns as the load does."""
        return tuple(column.field.name for column in self.columns)


def keys_of(
    made: Plan, dialect: Dialect, session: Callable[[], AbstractContextManager[Session]]
) -> Keys | None:
    """Say how the keys of a load are held; None where every key is held as it is."""
    by_name = {column.field.name: column for column in made.columns}
    columns = tuple(by_name[name] for name in made.landing.key)
    lost = tuple(loss(column, dialect) for column in columns)
    keys = Keys(columns=columns, lost=lost, dialect=dialect, session=session)
    return keys if keys.blurs or any(lost) else None


def shown(keys: pa.RecordBatch) -> list[tuple[str, ...]]:
    """Write keys as messages show them."""
    return list(zip(*(texts(column) for column in keys.columns), strict=True))


def loss(column: TargetColumn, dialect: Dialect) -> Lost | None:
    """Find what a column would lose of our values; None where it holds all."""
    ours, theirs = column.field.type, family(column.type, dialect)
    if pa.types.is_timestamp(ours) or pa.types.is_time(ours):
        return _lost_moments(column, dialect)
    is_decimal = pa.types.is_decimal(ours) or arrow_types.logical(column.field) == "decimal"
    if is_decimal or pa.types.is_integer(ours):
        return _lost_numbers(column, theirs, dialect)
    if pa.types.is_string(ours) and arrow_types.logical(column.field) != "unknown":
        return _lost_texts(column, dialect)
    return None


def _lost_texts(column: TargetColumn, dialect: Dialect) -> Lost | None:
    bounded = beyond(bound_of(column, dialect))
    if dialect.limits.nul:
        return bounded
    # A load leaves U+0000 out of texts.
    if bounded is None:
        return _has_nul
    return lambda values: pc.or_(bounded(values), _has_nul(values))


def _has_nul(values: pa.Array) -> pa.Array:
    return pc.match_substring(values, "\0")


def beyond(bound: Bound | None) -> Lost | None:
    """Tell which texts a bound refuses; None where it takes all."""
    match bound:
        case Charset() | Depth():
            beyond = bound.refuses
            return lambda values: pa.array(
                [value is not None and beyond(value) is not None for value in values.to_pylist()], pa.bool_()
            )
        case Characters(most):
            return lambda values: pc.greater(pc.utf8_length(values), most)
        case Bytes(most):
            return lambda values: pc.greater(pc.binary_length(values), most)
        case Words(words):
            known = pa.array(sorted(words), pa.string())
            return lambda values: pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, known)))
    return None


def _lost_moments(column: TargetColumn, dialect: Dialect) -> Lost | None:
    kept = digits_of(column, dialect)
    return None if kept is None else lambda values: pc.invert(is_multiple(values, kept))


def _lost_numbers(column: TargetColumn, theirs: str | None, dialect: Dialect) -> Lost | None:
    kind = parsed(column.type, dialect)
    whole = pa.types.is_integer(column.field.type)
    is_loose = dialect.types.are_loose
    if theirs == "float" or (is_loose and not whole and theirs != "text"):
        is_short = kind is not None and kind.is_type("float") and not is_loose
        number: Callable[[Any], Any] = np.float32 if is_short else float
        return lambda values: _differing(values, lambda value: Decimal(float(number(value))))
    is_decimal = theirs == "decimal" or (kind is not None and kind.is_type("decimal"))
    if not is_decimal or whole or kind is None or not kind.expressions:
        return None
    precision, scale = ([int(part.name) for part in kind.expressions] + [0])[:2]
    step, most = Decimal(1).scaleb(-scale), Decimal(10) ** (precision - scale)

    def held(value: Decimal) -> Decimal | None:
        return EXACT.quantize(value, step) if abs(value) < most else None

    return lambda values: _differing(values, held)


def _differing(values: pa.Array, held: Callable[[Decimal], Decimal | None]) -> pa.Array:
    given = (None if value is None else Decimal(value) for value in values.to_pylist())
    return pa.array([None if value is None else held(value) != value for value in given], pa.bool_())
