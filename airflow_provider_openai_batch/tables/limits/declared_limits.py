"""What a column of a table takes, as the database declares it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

from airflow_provider_openai_batch.batch.output.column_limits import (
    Bound,
    Bytes,
    Characters,
    Depth,
    Items,
    Range,
    Words,
)
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import parsed, vector_of

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.plan import Plan, TargetColumn

_T = exp.DataType.Type
BITS = {
    _T.TINYINT: 8, _T.SMALLINT: 16, _T.MEDIUMINT: 24, _T.INT: 32, _T.BIGINT: 64, _T.INT128: 128,
}  # fmt: skip
UNSIGNED_BITS = {
    _T.UTINYINT: 8, _T.USMALLINT: 16, _T.UMEDIUMINT: 24, _T.UINT: 32, _T.UBIGINT: 64, _T.UINT128: 128,
}  # fmt: skip
TEXTS = {_T.VARCHAR, _T.CHAR, _T.NVARCHAR, _T.NCHAR, _T.BPCHAR}
LARGEST = 3.4028234663852886e38  #: of short floats


def bounds_of(made: Plan, dialect: Dialect) -> dict[str, Bound]:
    """Name what the columns of a load take, by our names; what takes everything is left out."""
    found = {column.field.name: bound_of(column, dialect) for column in made.columns if not column.added}
    if not made.exists:  # its types are ours, but for what the database's own JSON is
        found = {name: bound for name, bound in found.items() if isinstance(bound, Depth)}
    return {name: bound for name, bound in found.items() if bound is not None}


def bound_of(column: TargetColumn, dialect: Dialect) -> Bound | None:
    """Name what a column takes; None where it takes every value of our type."""
    if dialect.types.are_loose:
        return None
    if vector := vector_of(column.type, dialect):
        largest = dialect.types.vectors[vector[1]]
        each = Range(least=-largest, most=largest, smallest=dialect.limits.smallest)
        return Items(count=int(vector[2]) if vector[2] else None, each=each, nulls=False)
    kind = parsed(column.type, dialect)
    if not pa.types.is_list(column.field.type):
        return Words(frozenset(column.words)) if column.words is not None else _scalar(column, kind, dialect)
    if column.words is not None:
        return Items(each=Words(frozenset(column.words)))
    if kind is None or kind.this not in {_T.ARRAY, _T.LIST}:
        charset = dialect.limits.charset(column.collation)
        return None if charset is None else Items(each=charset)  # lists are texts there
    inner = kind.expressions[0] if kind.expressions else None
    item = _scalar(column, inner, dialect)
    count = next((int(size.name) for size in kind.args.get("values") or ()), None)
    count = count if dialect.types.sized_lists else None
    return None if item is None and count is None else Items(count=count, each=item)


def _scalar(column: TargetColumn, kind: exp.DataType | None, dialect: Dialect) -> Bound | None:
    if kind is None:
        return None
    ours = column.field.type.value_type if pa.types.is_list(column.field.type) else column.field.type
    if pa.types.is_string(ours):
        length = text_bound(kind, dialect)
        charset = dialect.limits.charset(column.collation)
        bound = length if charset is None else replace(charset, within=length)
        levels = dialect.json.levels if arrow_types.logical(column.field) == "json" else None
        return bound if levels is None else Depth(most=levels, within=bound)
    if pa.types.is_integer(ours) or pa.types.is_floating(ours):
        return number_bound(kind, dialect)
    if pa.types.is_timestamp(ours):
        return moment_bound(kind, dialect)
    return None


def text_bound(kind: exp.DataType, dialect: Dialect) -> Characters | Bytes | None:
    """Name how long a text may be."""
    if dialect.limits.endless_texts:
        return None
    if kind.this in TEXTS:
        size = kind.expressions[0].name if kind.expressions else ""
        bare = dialect.limits.bare_char if kind.this in {_T.CHAR, _T.NCHAR} else None
        return Characters(int(size)) if size.isdigit() else Characters(bare) if bare else None
    most = dialect.limits.text_bytes.get(kind.this)
    return None if most is None else Bytes(most)


def number_bound(kind: exp.DataType, dialect: Dialect) -> Range | None:
    """Name which numbers an integer, decimal, or short float column holds."""
    if kind.this in BITS:
        bits = BITS[kind.this]
        return Range(least=-(2 ** (bits - 1)), most=2 ** (bits - 1) - 1)
    if kind.this in UNSIGNED_BITS:
        return Range(least=0, most=2 ** UNSIGNED_BITS[kind.this] - 1)
    if kind.this == _T.DECIMAL and kind.expressions:
        precision, scale = ([int(part.name) for part in kind.expressions] + [0])[:2]
        most = Decimal(10) ** (precision - scale) - Decimal(10) ** -scale
        return Range(least=-most, most=most)
    if kind.this == _T.FLOAT:
        return Range(least=-LARGEST, most=LARGEST, smallest=dialect.limits.smallest)
    return None


def moment_bound(kind: exp.DataType, dialect: Dialect) -> Range | None:
    """Name which moments a column holds that does not hold all."""
    return dialect.limits.moments.get(kind.this)
