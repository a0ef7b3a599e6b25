"""What the columns of a database are declared as, and what they take."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_openai_batch.batch.output.column_limits import Range

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_openai_batch.batch.output.column_limits import Charset

_T = exp.DataType.Type
#: Which families of types take which of ours. Where text takes one, it is written as text.
ACCEPTS = {
    "int": frozenset({"int", "decimal", "float", "text"}),
    "float": frozenset({"float", "decimal", "text"}),
    "decimal": frozenset({"decimal", "float", "text"}),
    "bool": frozenset({"bool", "text"}),
    "date": frozenset({"date", "timestamp", "text"}),
    "timestamp": frozenset({"timestamp", "text"}),
    "time": frozenset({"time", "text"}),
    "text": frozenset({"text"}),
    "uuid": frozenset({"uuid", "text"}),
    "json": frozenset({"json", "text"}),
    "bytes": frozenset({"bytes"}),
    "list": frozenset({"list"}),
}
EPOCH_OF_NANOSECONDS = Range(least=datetime(1677, 9, 22, tzinfo=UTC), most=datetime(2262, 4, 11, tzinfo=UTC))
MICROSECONDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class WideDecimal:
    """A type of decimals, with so many digits before the point, and as many after it."""

    name: str
    digits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Types:
    """What new columns are declared as, and which columns take which of our types."""

    #: What sqlglot writes in a way that the database does not hold exactly, or not at all, by generic type.
    named: Mapping[str, str] = field(default_factory=dict)
    #: It has integers without a sign.
    unsigned: bool = False
    #: The digits and the places that a decimal has at most; None: as many as it has digits.
    most_digits: int = 38
    most_places: int | None = None
    #: What takes decimals of more digits or places.
    wide_decimal: WideDecimal | None = None
    #: What a list becomes where there are no arrays, or none of a type.
    lists: str | None = None
    #: Write the type of a list by that of its items.
    list_of: Callable[[str], str] = "{}[]".format
    #: Types that hold JSON beside those that are called so.
    documents: frozenset[exp.DataType.Type] = frozenset()
    #: A decimal without places is an integer, and integers are such decimals.
    whole_decimals: bool = False
    #: An array's declared size is that of every value.
    sized_lists: bool = False
    #: The type of a timestamp that keeps nanoseconds.
    nanoseconds: str | None = None
    #: How many digits of a second a timestamp keeps that does not say so.
    fraction: int = MICROSECONDS
    #: Which families of types take which of ours.
    accepts: Mapping[str, frozenset[str]] = field(default_factory=lambda: ACCEPTS)
    #: Types that lists of numbers are assigned to, and the largest number in each.
    vectors: Mapping[str, float] = field(default_factory=dict)
    #: Rows are loaded as Arrow: its types must be those that the database has.
    as_arrow: bool = False
    #: A column holds values of any type, whatever it is declared as: this tells of a declared type whether
    #: a text such as `007` is kept as it is. None: a column holds values of its type.
    keeps_text: Callable[[str], bool] | None = None

    @property
    def are_loose(self) -> bool:
        """Tell whether a column holds values of any type."""
        return self.keeps_text is not None


def no_charset(_collation: str | None) -> Charset | None:
    """Say that every column has every character."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What columns take less of, or other, than their types say."""

    #: A text has any length, whatever its column is declared as.
    endless_texts: bool = False
    #: How long a text a column must take that is for texts of any length; longer ones are cut to the column.
    long_text: int = 65_535
    #: How long a CHAR is that does not say so; None: of any length.
    bare_char: int | None = 1
    #: How many bytes texts have at most that end by their type's name.
    text_bytes: Mapping[exp.DataType.Type, int] = field(default_factory=dict)
    #: The same of bytes; None: bytes have any length, whatever their column is declared as.
    bytes_bytes: Mapping[exp.DataType.Type, int] | None = None
    #: The character set of a column, by its collation, if it lacks any character.
    charset: Callable[[str | None], Charset | None] = no_charset
    #: Texts hold U+0000; else a load leaves it out.
    nul: bool = True
    #: The smallest positive number of a short float, if smaller ones are refused.
    smallest: float = 0.0
    #: Decimals hold NaN.
    nan: bool = False
    #: There are no numbers that are not finite: they are written as NULL.
    finite: bool = False
    #: A float that is NaN is written as NULL, an infinite one is not.
    nan_is_null: bool = False
    #: Types of moments that do not hold all.
    moments: Mapping[exp.DataType.Type, Range] = field(
        default_factory=lambda: {_T.TIMESTAMP_NS: EPOCH_OF_NANOSECONDS}
    )


def any_number(_text: str) -> bool:
    """Say that JSON holds every number."""
    return True


def is_double(text: str) -> bool:
    """Tell whether JSON holds a number, which it keeps as a double if it is long."""
    return math.isfinite(float(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Json:
    """What columns of JSON hold."""

    #: Types of columns, in lower case, that keep numbers as numbers, and which numbers these hold.
    parsed: frozenset[str] = frozenset()
    number: Callable[[str], bool] = any_number
    #: How deep it is at most.
    levels: int | None = None
    #: It holds escaped halves of surrogate pairs.
    halves: bool = False
