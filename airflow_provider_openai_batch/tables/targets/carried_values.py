"""Which keys and values that are copied from the source a column of the table refuses: none is paid for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.output.column_limits import Bound, Items, Range
from airflow_provider_openai_batch.batch.text.values import texts
from airflow_provider_openai_batch.tables.existing.keys import MOST_SHOWN, Lost, beyond
from airflow_provider_openai_batch.tables.limits.declared_limits import bound_of, moment_bound, number_bound
from airflow_provider_openai_batch.tables.targets.tried_values import Tried, is_known_only_there
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import family, parsed
from airflow_provider_openai_batch.tables.types.json_texts import wrong_numbers
from airflow_provider_openai_batch.tables.types.plain_types import UNITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlglot import exp

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.plan import Plan, TargetColumn
    from airflow_provider_openai_batch.tables.targets.tried_values import Opened

DECIMAL = "decimal"
EVERY_DOUBLE = Range(least=-1.7976931348623157e308, most=1.7976931348623157e308)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """The columns of a load whose values come from the source, and which of them the table refuses."""

    refused: tuple[tuple[TargetColumn, Lost], ...]
    #: Columns that do not take NULL, and which values are written as that.
    required: tuple[tuple[TargetColumn, Lost], ...] = ()
    #: Columns of types that only the database knows.
    tried: Tried | None = None

    def refused_places(self, rows: pa.RecordBatch) -> tuple[TargetColumn, pa.Array] | None:
        """Find the places of a few rows that a column does not take; the columns are named as the load's."""
        return _first_marked(self.refused, rows)

    def places_of_null(self, rows: pa.RecordBatch) -> tuple[TargetColumn, pa.Array] | None:
        """Find the places of a few rows whose NULL a column does not take; columns are named as above."""
        return _first_marked(self.required, rows)


def _first_marked(
    columns: tuple[tuple[TargetColumn, Lost], ...], rows: pa.RecordBatch
) -> tuple[TargetColumn, pa.Array] | None:
    for column, refuses in columns:
        values = rows.column(column.field.name)
        places = pc.indices_nonzero(pc.fill_null(refuses(values), False))[:MOST_SHOWN]
        if len(places):
            return column, places
    return None


def carried_of(made: Plan, dialect: Dialect, session: Opened) -> Carried | None:
    """Say what the columns of a table refuse of keys and carried values; None where nothing."""
    ours = {*made.landing.key, *(made.landing.carried or ())}
    columns = [column for column in made.columns if column.field.name in ours]
    is_old = {column.name: made.exists and not column.added for column in columns}
    found = ((column, refusal(column, dialect, is_old=is_old[column.name])) for column in columns)
    refused = tuple((column, lost) for column, lost in found if lost is not None)
    nulls = partial(_written_as_null, dialect=dialect)
    required = tuple((column, nulls) for column in columns if column.required)
    unknown = tuple(
        column for column in columns if is_old[column.name] and is_known_only_there(column, dialect)
    )
    tried = Tried(columns=unknown, dialect=dialect, session=session) if unknown else None
    if not refused and not required and tried is None:
        return None
    return Carried(refused=refused, required=required, tried=tried)


def _written_as_null(values: pa.Array, dialect: Dialect) -> pa.Array:
    if not pa.types.is_floating(values.type) or not (dialect.limits.finite or dialect.limits.nan_is_null):
        return pc.is_null(values)
    if dialect.limits.finite:
        return pc.invert(pc.fill_null(pc.is_finite(values), False))
    return pc.is_null(values, nan_is_null=True)


def refusal(column: TargetColumn, dialect: Dialect, *, is_old: bool = True) -> Lost | None:
    """Tell which values a column refuses; None where it takes all of our type, as new ones do."""
    if dialect.types.keeps_text is not None:
        return (
            _rounded if is_old and _is_decimal(column) and not dialect.types.keeps_text(column.type) else None
        )
    is_checked = dialect.json.levels is not None or _is_parsed(column, dialect)
    if is_checked and _is_json(column.field):
        return _of_json(column, dialect)
    if not is_old:
        return None
    kind = parsed(column.type, dialect)
    if family(column.type, dialect) == "text" and not _is_text(column.field):
        return _as_text(column, dialect)
    if kind is not None and arrow_types.logical(column.field) == DECIMAL:
        return partial(_wrong_decimals, bound=number_bound(kind, dialect), dialect=dialect)
    return _by_type(column, kind, dialect)


def _is_decimal(column: TargetColumn) -> bool:
    return arrow_types.logical(column.field) == DECIMAL or bool(pa.types.is_decimal(column.field.type))


def _is_parsed(column: TargetColumn, dialect: Dialect) -> bool:
    """Tell whether the column keeps JSON's numbers as numbers."""
    return column.type.lower() in dialect.json.parsed


def _rounded(values: pa.Array) -> pa.Array:
    """Mark the decimals of which a float, or an integer of 64 bits, makes another number."""
    return _marked(values, _is_rounded)


def _is_rounded(value: Decimal) -> bool:
    if not value.is_finite() or (int(value.as_tuple().exponent) >= 0 and -(2**63) <= value < 2**63):
        return False
    return Decimal(repr(float(value))) != value


def _by_type(column: TargetColumn, kind: exp.DataType | None, dialect: Dialect) -> Lost | None:
    ours, bound = column.field.type, bound_of(column, dialect)
    if _is_text(column.field):
        return _of_texts(bound, dialect)
    if isinstance(bound, Items):
        return partial(_wrong_items, bound=bound)
    return None if kind is None else _by_kind(ours, kind, dialect)


def _by_kind(ours: pa.DataType, kind: exp.DataType, dialect: Dialect) -> Lost | None:
    if pa.types.is_binary(ours) or pa.types.is_fixed_size_binary(ours):
        return _of_bytes(kind, dialect)
    if pa.types.is_timestamp(ours) or pa.types.is_date(ours):
        span = moment_bound(kind, dialect)
        return None if span is None else partial(_wrong_moments, bound=span)
    if pa.types.is_nested(ours) or pa.types.is_string(ours):
        return None
    span = number_bound(kind, dialect)
    return None if span is None else partial(_wrong_numbers, bound=span, dialect=dialect)


def _is_text(field: pa.Field) -> bool:
    return bool(pa.types.is_string(field.type)) and arrow_types.logical(field) in {None, "unknown"}


def _is_json(field: pa.Field) -> bool:
    is_nested = pa.types.is_nested(field.type) and not arrow_types.is_list(field.type)
    return bool(is_nested or arrow_types.logical(field) == "json")


def _of_texts(bound: Bound | None, dialect: Dialect) -> Lost | None:
    found = beyond(bound)
    if found is None or dialect.limits.nul:
        return found
    # What a load leaves out of texts takes no room.
    return lambda values: found(pc.replace_substring(values, "\0", ""))


def _as_text(column: TargetColumn, dialect: Dialect) -> Lost | None:
    """Measure what is written as text into a column of text."""
    meaning = arrow_types.JSON if _is_json(column.field) else None
    written = replace(column, field=pa.field(column.field.name, pa.string(), metadata=meaning))
    found = beyond(bound_of(written, dialect))
    return None if found is None else lambda values: found(pa.array(texts(values), pa.string()))


def _of_json(column: TargetColumn, dialect: Dialect) -> Lost | None:
    """Refuse numbers that a column of JSON does not hold; those of our own types are all small."""
    found = None if dialect.json.levels is None else _as_text(column, dialect)
    if not pa.types.is_string(column.field.type) or not _is_parsed(column, dialect):
        return found
    wrong = partial(wrong_numbers, holds=dialect.json.number)
    return wrong if found is None else lambda values: pc.or_(found(values), wrong(values))


def _of_bytes(kind: exp.DataType, dialect: Dialect) -> Lost | None:
    if dialect.limits.bytes_bytes is None:
        return None
    size = kind.expressions[0].name if kind.expressions else ""
    most = int(size) if size.isdigit() else dialect.limits.bytes_bytes.get(kind.this)
    return None if most is None else lambda values: pc.greater(pc.binary_length(values), most)


def _wrong_items(values: pa.Array, bound: Items) -> pa.Array:
    return pa.array(
        [value is not None and bound.refuses(value) is not None for value in values.to_pylist()], pa.bool_()
    )


def _wrong_moments(values: pa.Array, bound: Range) -> pa.Array:
    moments = values.cast(pa.timestamp("s")) if pa.types.is_date(values.type) else values
    unit = UNITS[moments.type.unit]
    least, most = (int(edge.timestamp()) for edge in (bound.least, bound.most))
    ticks = moments.cast(pa.int64())
    return pc.or_(pc.less(ticks, least * unit), pc.greater_equal(ticks, (most + 1) * unit))


def _wrong_numbers(values: pa.Array, bound: Range, dialect: Dialect) -> pa.Array:
    if pa.types.is_integer(values.type):
        within = pc.min_max(values).as_py()
        if within["min"] is None or bound.least <= within["min"] <= within["max"] <= bound.most:
            return pa.repeat(pa.scalar(False), len(values))
    return _marked(values, partial(_is_wrong, bound=bound, dialect=dialect))


def _wrong_decimals(values: pa.Array, bound: Bound | None, dialect: Dialect) -> pa.Array:
    """Judge numbers that are written as text; a column without a bound is a long float, or holds any."""
    given = bound if isinstance(bound, Range) else EVERY_DOUBLE
    finite = dialect.limits.finite
    return _marked(
        values,
        lambda value: _is_wrong(value, given, dialect) or (finite and not value.is_finite()),
    )


def _marked(values: pa.Array, is_wrong: Callable[[Decimal], bool]) -> pa.Array:
    """Mark the numbers that are wrong; NULL is none."""
    found = (None if value is None else Decimal(str(value)) for value in values.to_pylist())
    return pa.array([value is not None and is_wrong(value) for value in found], pa.bool_())


def _is_wrong(value: Decimal, bound: Range, dialect: Dialect) -> bool:
    """Short floats hold what is not finite, decimals NaN at most; what is written as NULL is not wrong."""
    if value.is_finite():
        return bound.refuses(value) is not None
    if dialect.limits.finite or not isinstance(bound.most, Decimal):
        return False
    return not dialect.limits.nan or value.is_infinite()
