"""What a column of a table takes, as the database declares it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

from airflow_provider_openai_batch.batch.output.column_limits import (
    Bound,
    Bytes,
    Characters,
    Charset,
    Depth,
    Items,
    Range,
    Words,
)
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import VECTOR, parsed

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.plan import Plan, TargetColumn

_T = exp.DataType.Type
BITS = {
    _T.TINYINT: 8, _T.SMALLINT: 16, _T.MEDIUMINT: 24, _T.INT: 32, _T.BIGINT: 64, _T.INT128: 128,
}  # fmt: skip
UNSIGNED_BITS = {
    _T.UTINYINT: 8, _T.USMALLINT: 16, _T.UMEDIUMINT: 24, _T.UINT: 32, _T.UBIGINT: 64, _T.UINT128: 128,
}  # fmt: skip
#: SQLite and DuckDB hold any text in a column of any length.
ENDLESS_TEXT = frozenset({"sqlite", "duckdb"})
TEXTS = {_T.VARCHAR, _T.CHAR, _T.NVARCHAR, _T.NCHAR, _T.BPCHAR}
#: MySQL's texts that are bounded by bytes.
BYTES = {_T.TINYTEXT: 2**8 - 1, _T.TEXT: 2**16 - 1, _T.MEDIUMTEXT: 2**24 - 1}
#: How deep MariaDB's JSON is at most; MySQL's is deeper, and a driver does not tell which of them it is.
JSON_LEVELS = 31
#: In the name of a collation of MySQL, the character set after which it is named.
CHARSET = re.compile("[a-z][a-z0-9]*(?=_)")
#: MySQL's character sets that have every character, and Python's names of others; what is in neither is
#: taken for ASCII.
EVERY_CHARACTER = frozenset({"utf8mb4", "utf16", "utf16le", "utf32"})
CODECS = {
    "latin1": "cp1252", "latin2": "iso8859_2", "cp1250": "cp1250", "cp1251": "cp1251", "koi8r": "koi8_r",
    "utf8": "utf-8", "utf8mb3": "utf-8", "ucs2": "utf-8",
}  # fmt: skip
#: Of UTF-8 and UCS-2 they have what fits into 16 bits.
LAST, ANY = "\uffff", "\U0010ffff"
#: The largest number of a short float; PostgreSQL refuses what rounds to zero.
LARGEST = {"real": 3.4028234663852886e38, "vector": 3.4028234663852886e38, "halfvec": 65504.0}
SMALLEST = 2.0**-149
EPOCH_OF_NANOSECONDS = Range(least=datetime(1677, 9, 22, tzinfo=UTC), most=datetime(2262, 4, 11, tzinfo=UTC))
MOMENTS_OF_32_BITS = Range(
    least=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), most=datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)
)


def bounds_of(made: Plan, dialect: str) -> dict[str, Bound]:
    """Name what the columns of a load take, by our names; what takes everything is left out."""
    found = {column.field.name: bound_of(column, dialect) for column in made.columns if not column.added}
    if not made.exists:  # its types are ours, but for what the database's own JSON is
        found = {name: bound for name, bound in found.items() if isinstance(bound, Depth)}
    return {name: bound for name, bound in found.items() if bound is not None}


def bound_of(column: TargetColumn, dialect: str) -> Bound | None:
    """Name what a column takes; None where it takes every value of our type."""
    if dialect == "sqlite":
        return None
    vector = VECTOR.fullmatch(column.type)
    if vector and dialect == "postgres":
        largest = LARGEST[vector[1]]
        each = Range(least=-largest, most=largest, smallest=SMALLEST)
        return Items(count=int(vector[2]) if vector[2] else None, each=each, nulls=False)
    kind = parsed(column.type, dialect)
    if not pa.types.is_list(column.field.type):
        return Words(frozenset(column.words)) if column.words is not None else _scalar(column, kind, dialect)
    if column.words is not None:
        return Items(each=Words(frozenset(column.words)))
    if kind is None or kind.this not in {_T.ARRAY, _T.LIST}:
        charset = _charset(column) if dialect == "mysql" else None
        return None if charset is None else Items(each=charset)  # lists are texts there
    inner = kind.expressions[0] if kind.expressions else None
    item = _scalar(column, inner, dialect)
    count = next((int(size.name) for size in kind.args.get("values") or ()), None)
    count = count if dialect == "duckdb" else None  # PostgreSQL ignores the size of an array
    return None if item is None and count is None else Items(count=count, each=item)


def _scalar(column: TargetColumn, kind: exp.DataType | None, dialect: str) -> Bound | None:
    if kind is None:
        return None
    ours = column.field.type.value_type if pa.types.is_list(column.field.type) else column.field.type
    if pa.types.is_string(ours):
        length = text_bound(kind, dialect)
        charset = _charset(column) if dialect == "mysql" else None
        bound = length if charset is None else replace(charset, within=length)
        is_json = dialect == "mysql" and arrow_types.logical(column.field) == "json"
        return Depth(most=JSON_LEVELS, within=bound) if is_json else bound
    if pa.types.is_integer(ours) or pa.types.is_floating(ours):
        return number_bound(kind, dialect)
    if pa.types.is_timestamp(ours):
        return moment_bound(kind, dialect)
    return None


def _charset(column: TargetColumn) -> Charset | None:
    """Name the character set of a column of MySQL, after which its collation is named, if it lacks any."""
    found = CHARSET.search(column.collation or "")
    if found is None or found[0] in EVERY_CHARACTER:
        return None
    name = found[0]
    codec = CODECS.get(name, "ascii")
    return Charset(name=name, codec=codec, last=LAST if codec == "utf-8" else ANY)


def text_bound(kind: exp.DataType, dialect: str) -> Characters | Bytes | None:
    """Name how long a text may be."""
    if dialect in ENDLESS_TEXT:
        return None
    if kind.this in TEXTS:
        size = kind.expressions[0].name if kind.expressions else ""
        bare = 1 if kind.this in {_T.CHAR, _T.NCHAR} and dialect != "postgres" else None
        return Characters(int(size)) if size.isdigit() else Characters(bare) if bare else None
    return Bytes(BYTES[kind.this]) if dialect == "mysql" and kind.this in BYTES else None


def number_bound(kind: exp.DataType, dialect: str) -> Range | None:
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
        smallest = SMALLEST if dialect == "postgres" else 0.0
        return Range(least=-LARGEST["real"], most=LARGEST["real"], smallest=smallest)
    return None


def moment_bound(kind: exp.DataType, dialect: str) -> Range | None:
    """Name which moments a column holds that does not hold all."""
    if kind.this == _T.TIMESTAMP_NS:
        return EPOCH_OF_NANOSECONDS
    in_seconds = dialect == "mysql" and kind.this in {_T.TIMESTAMP, _T.TIMESTAMPTZ}
    return MOMENTS_OF_32_BITS if in_seconds else None
