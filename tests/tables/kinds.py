"""Kinds of columns of each database, and values that they take: what the round trips are made of."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = ("fine", "it's", "so, so")
ENUM = "('fine', 'it''s', 'so, so')"


def same(value: Any) -> Any:
    """Compare as it is, NaN as equal to itself, and times without Python's mark of a repeated hour."""
    if isinstance(value, list):
        return [same(item) for item in value]
    if isinstance(value, datetime | time):
        return value.replace(fold=0)
    if isinstance(value, Decimal):
        return Fraction(value)
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def meaning(text: str) -> Any:
    """Compare JSON by what it says: databases order members and write numbers in their own ways."""

    def said(value: Any) -> Any:
        if isinstance(value, dict):
            return sorted((name, said(part)) for name, part in value.items())
        if isinstance(value, list):
            return [said(part) for part in value]
        return value

    # Digits count, not the double next to them: a database may write out all those of 1e104.
    return said(json.loads(text, parse_int=Fraction, parse_float=Fraction))


def in_utc(value: Any) -> Any:
    """Compare a moment without the class of its zone."""
    return value.astimezone(UTC).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of a database, values of it, and how one that was read becomes such a value again."""

    declared: str
    values: st.SearchStrategy[Any]
    back: Callable[[Any], Any] = same
    keyable: bool = True
    #: How a value is handed to the driver.
    given: Callable[[Any], Any] = lambda value: value

    def read(self, value: Any) -> Any:
        """Bring a value that was read into the form of those that were given."""
        return None if value is None else self.back(value)


def integers(bits: int, *, signed: bool = True) -> st.SearchStrategy[int]:
    low = -(2 ** (bits - 1)) if signed else 0
    high = 2 ** (bits - signed) - 1
    return st.integers(low, high) | st.sampled_from([low, high])


def decimals(digits: int, places: int) -> st.SearchStrategy[Decimal]:
    return st.integers(-(10**digits) + 1, 10**digits - 1).map(lambda whole: Decimal(f"{whole}e-{places}"))


def floats(width: int = 64, *, finite: bool = False, nan: bool = True) -> st.SearchStrategy[float]:
    return st.floats(width=width, allow_nan=nan and not finite, allow_infinity=not finite)  # type: ignore[call-overload]


LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXT = st.text(LETTERS, max_size=20) | st.sampled_from(
    ["NULL", "\\N", "a\tb\\\n'\"{},", "007", "NaN", "表😀"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | floats(finite=True) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
).map(lambda value: json.dumps({"it": value}))
DAYS = st.dates() | st.sampled_from([date(1, 1, 1), date(1969, 12, 31), date(9999, 12, 31)])
EDGES = ("0001-01-01 00:00:00", "1969-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999")
MOMENTS = st.datetimes() | st.sampled_from([datetime.fromisoformat(text) for text in EDGES])
SINCE_1000 = st.datetimes(min_value=datetime.fromisoformat("1000-01-01"))
ZONED = MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC))


def listed(declared: str, items: st.SearchStrategy[Any], back: Callable[[Any], Any] = same) -> Kind:
    """Make the kind of a list: empty, or with NULLs."""
    return Kind(declared, st.lists(st.none() | items, max_size=4), back, keyable=False)


def digits(value: Decimal) -> str:
    """Write no exponent, which would make a float of the number."""
    return format(value, "f")


POSTGRES = [
    Kind("smallint", integers(16)), Kind("integer", integers(32)), Kind("bigint", integers(64)),
    Kind("numeric(20, 5)", decimals(20, 5)), Kind("numeric(60, 30)", decimals(60, 30)),
    Kind("numeric", decimals(50, 20), Fraction), Kind("real", floats(32), keyable=False),
    Kind("double precision", floats(), keyable=False), Kind("boolean", st.booleans()), Kind("text", TEXT),
    Kind("varchar(20)", TEXT), Kind("bytea", st.binary(max_size=20)), Kind("uuid", st.uuids(), UUID),
    Kind("date", DAYS), Kind("timestamp", MOMENTS), Kind("timestamptz", ZONED, in_utc),
    Kind("time", st.times(), time.fromisoformat), Kind("mood", st.sampled_from(WORDS)),
    Kind("jsonb", JSON, meaning, keyable=False),
    Kind("json", JSON, meaning, keyable=False),
    listed("bigint[]", integers(64)), listed("text[]", TEXT), listed("double precision[]", floats()),
    listed("real[]", floats(32)), listed("boolean[]", st.booleans()), listed("date[]", DAYS),
    listed("timestamp[]", MOMENTS),
]  # fmt: skip
DUCKDB = [
    Kind("tinyint", integers(8)), Kind("smallint", integers(16)), Kind("integer", integers(32)),
    Kind("bigint", integers(64)), Kind("utinyint", integers(8, signed=False)),
    Kind("usmallint", integers(16, signed=False)), Kind("uinteger", integers(32, signed=False)),
    Kind("ubigint", integers(64, signed=False)), Kind("hugeint", integers(100), int),
    Kind("decimal(20, 5)", decimals(20, 5)), Kind("decimal(38, 0)", decimals(38, 0)),
    Kind("float", floats(32), keyable=False), Kind("double", floats(), keyable=False),
    Kind("boolean", st.booleans()), Kind("varchar", TEXT), Kind("blob", st.binary(max_size=20)),
    Kind("uuid", st.uuids(), UUID), Kind("date", DAYS), Kind("timestamp", MOMENTS),
    Kind("timestamptz", ZONED, in_utc), Kind("time", st.times(), time.fromisoformat),
    Kind(f"enum{ENUM}", st.sampled_from(WORDS)), Kind("json", JSON, meaning, keyable=False),
    listed("bigint[]", integers(64)), listed("varchar[]", TEXT), listed("double[]", floats()),
    listed("boolean[]", st.booleans()), listed("date[]", DAYS), listed("decimal(20, 5)[]", decimals(20, 5)),
]  # fmt: skip
SQLITE = [
    Kind("integer", integers(64)), Kind("real", floats(nan=False), keyable=False), Kind("text", TEXT),
    Kind("blob", st.binary(max_size=20)), Kind("boolean", st.booleans(), bool),
    Kind("text", st.uuids(), UUID, given=str), Kind("text", DAYS, date.fromisoformat, given=str),
    Kind("text", decimals(30, 10), Fraction, given=str), Kind("", TEXT),
]  # fmt: skip
MARIADB = [
    Kind("tinyint", integers(8)), Kind("smallint", integers(16)), Kind("integer", integers(32)),
    Kind("bigint", integers(64)), Kind("tinyint unsigned", integers(8, signed=False)),
    Kind("bigint unsigned", integers(64, signed=False)),
    Kind("decimal(20, 5)", decimals(20, 5), given=digits),
    Kind("decimal(60, 30)", decimals(60, 30), given=digits),
    Kind("double", floats(finite=True), keyable=False),
    Kind("varchar(20) character set utf8mb4", TEXT),
    Kind("longtext character set utf8mb4", TEXT, keyable=False),
    Kind("varbinary(20)", st.binary(max_size=20)), Kind("date", SINCE_1000.map(datetime.date)),
    Kind("datetime(6)", SINCE_1000), Kind("json", JSON, meaning, keyable=False),
    Kind(f"enum{ENUM}", st.sampled_from(WORDS)),
]  # fmt: skip
#: Without what the stand-in reads or binds otherwise than Snowflake: moments that are NULL, and NaN.
SNOWFLAKE = [
    Kind("number(38, 0)", integers(64)), Kind("number(9, 0)", integers(29)),
    Kind("number(20, 5)", decimals(20, 5), given=digits),
    Kind("number(37, 0)", decimals(37, 0), given=digits),
    Kind("float", floats(finite=True), keyable=False), Kind("boolean", st.booleans()), Kind("varchar", TEXT),
    Kind("binary", st.binary(max_size=20)), Kind("date", DAYS), Kind("variant", JSON, meaning, keyable=False),
]  # fmt: skip
KINDS = {
    "postgres": POSTGRES, "duckdb": DUCKDB, "sqlite": SQLITE, "mariadb": MARIADB, "snowflake": SNOWFLAKE,
}  # fmt: skip
