"""JSONL files: a JSON object on each line."""

from __future__ import annotations

import io
import json
import math
import re
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
import pyarrow as pa

from airflow_provider_openai_batch.batch.arguments.text_format import ARGUMENT, TextFormat
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS
from airflow_provider_openai_batch.tables.sources.text_stream import Unreadable, Utf8Stream, unpacked
from airflow_provider_openai_batch.tables.types import arrow_types

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: How many values of a column decide its type; names are looked for in all rows.
SAMPLE_ROWS = 10_000
NULL = b"null"
#: What may be the name of a member, or a piece of text that looks so.
NAMES = re.compile(rb'"[ \t\r\n]*:')
NESTED = (dict, list)
#: What may be a number that is nearer to zero than any float.
SMALL = re.compile(rb"[eE]-0*[1-9][0-9]{2}|\.0{200}")
#: What may be a number of more digits than a float holds: that of any float is written in 17.
LONG_FLOAT, FLOAT_DIGITS = re.compile(rb"[0-9][0-9.]{17,}[eE]?"), 17
#: Writes 0 for each digit and point: then the two above are found without an expression, which takes longer.
FLAT = bytes.maketrans(b"123456789.E", b"0000000000e")
FLAT_SMALL, FLAT_ZEROS, FLAT_LONG = b"e-000", b"0" * 201, b"0" * 18
NOT_ZERO = re.compile(r"[-.0]*[1-9]")
#: Python reads no longer ones.
LONG_NUMBER = re.compile(rb"[0-9]{4000}")
Row = dict[str, Any]


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a row stands; a struct, because one is made for each row."""

    path: str
    line: int


#: A value, after its place.
Placed = tuple[Place, Any]


class Jsonl:
    """One JSON object on each line; the first values type a column, objects and lists are JSON text."""

    def __init__(self, form: TextFormat | None = None) -> None:
        self._encoding = None if form is None else form.encoding

    def of(self, form: TextFormat) -> Jsonl:
        """Read files that are written so."""
        if form != TextFormat(encoding=form.encoding):
            raise InvalidRequest(f"{ARGUMENT} of JSONL files takes 'encoding' alone; remove the other keys.")
        return Jsonl(form)

    def fields(self, fs: Any, paths: Sequence[str]) -> list[pa.Field]:
        """Find the columns of all files together, those too that only a late row has."""
        lines = (line for path in paths for line in _lines(fs, path, self._encoding))
        sample = [(line.place, line.row()) for line in islice(lines, SAMPLE_ROWS)]
        found = dict.fromkeys(name for _, row in sample for name in row)
        kinds = {name: _inferred(name, [(place, row.get(name)) for place, row in sample]) for name in found}
        late: dict[str, list[Placed]] = {name: [] for name, kind in kinds.items() if kind is None}
        typed = {name for name, kind in kinds.items() if kind is not None}
        for line in lines:
            line.late(typed, late)
        kinds |= {name: _inferred(name, values) for name, values in late.items()}
        return [arrow_types.field_of(name, kind or "text") for name, kind in kinds.items()]

    def batches(self, fs: Any, path: str, fields: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
        """Read those of the columns that this file has."""
        rows = ((line.place, line.row()) for line in _lines(fs, path, self._encoding))
        while chunk := list(islice(rows, BATCH_ROWS)):
            arrays = [
                _array(field, [(place, row.get(field.name)) for place, row in chunk]) for field in fields
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _inferred(name: str, values: list[Placed]) -> str | None:
    """Find the kind of a column; a value of another kind than those before it is named by its line."""
    try:
        return arrow_types.infer(name, (value for _, value in values))
    except InvalidRequest:
        before: dict[str, Any] = {}
        for place, value in values:
            with _placed(place):
                kind = arrow_types.infer(name, [*before.values(), value])
            before.setdefault(str(type(value)), value) if kind else None
        raise


def _array(field: pa.Field, values: list[Placed]) -> pa.Array:
    kind = arrow_types.kind_of(field)
    try:
        return arrow_types.untyped(field, kind, [value for _, value in values])
    except InvalidRequest:
        for place, value in values:
            with _placed(place):
                arrow_types.untyped(field, kind, [value])
        raise


@contextmanager
def _placed(place: Place) -> Iterator[None]:
    """Add file and line to what is wrong with a value."""
    try:
        yield
    except InvalidRequest as error:
        raise InvalidRequest(f"Line {place.line} of {place.path!r}: {error}") from None


class Line:
    """One line with its place."""

    __slots__ = ("data", "number", "path")
    _decode = msgspec.json.Decoder().decode
    _names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

    def __init__(self, path: str, number: int, data: bytes) -> None:
        self.path, self.number, self.data = path, number, data

    @property
    def place(self) -> Place:
        """Return the file and the line's number."""
        return Place(self.path, self.number)

    def row(self) -> Row:
        """Read the object."""
        try:
            row = self._decode(self.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            row = self._leniently()
        if not isinstance(row, dict):
            self._refuse(f"it is a JSON {_called(row)}")
        if len(NAMES.findall(self.data)) > _names_in(row):
            self._leniently()  # which looks at each name; a text may look like one
        elif _has_unusual_number(self.data):
            self._leniently()
        return row

    def late(self, typed: set[str], late: dict[str, list[Placed]]) -> None:
        """Note the values of columns whose type no earlier row tells."""
        try:
            names = self._names(self.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            names = dict.fromkeys(self.row(), msgspec.Raw(b""))
        if names.keys() <= typed:
            return
        told = [name for name, raw in names.items() if name not in typed and bytes(raw) != NULL]
        row = self.row() if told else {}
        for name in names.keys() - typed:
            values = late.setdefault(name, [])
            if name in told and len(values) < SAMPLE_ROWS:
                values.append((self.place, row[name]))

    def _leniently(self) -> object:
        """Read what Python's own reader takes, such as half of a surrogate pair, or name the cause."""
        try:
            return json.loads(
                self.data,
                parse_constant=self._no_constant,
                parse_float=self._float,
                object_pairs_hook=self._object,
            )
        except RecursionError:
            self._refuse("it is nested too deeply")
        except ValueError as error:
            self._refuse(_cause(error, self.data))

    def _no_constant(self, name: str) -> NoReturn:
        self._refuse(f"it holds {name}, which is not valid JSON; write null")

    def _float(self, text: str) -> float:
        number = float(text)
        if math.isinf(number):
            self._refuse("it holds a number that is larger than any float; write it as text")
        if not number and NOT_ZERO.match(text):
            self._refuse("it holds a number that is nearer to zero than any float; write it as text")
        if len(text) > FLOAT_DIGITS and not _is_held(text, number):
            self._refuse(f"{self._place_of(text)} has more digits than a float holds; write it as text")
        return number

    def _place_of(self, number: str) -> str:
        """Name the column that holds a number, which is itself not to be shown."""
        row = json.loads(self.data, parse_float=_Number)
        names = (
            [name for name, value in row.items() if _holds(value, number)] if isinstance(row, dict) else []
        )
        return f"a number in column {names[0]!r}" if names else "a number"

    def _object(self, pairs: list[tuple[str, Any]]) -> Row:
        found = dict(pairs)
        if len(found) < len(pairs):
            self._refuse("an object has one name twice, and one of its values would be lost")
        return found

    def _refuse(self, cause: str) -> NoReturn:
        raise Unreadable(f"line {self.number} of {self.path!r} is not a JSON object: {cause}.")


def _names_in(value: object) -> int:
    """Count the names of an object and of all inside it."""
    match value:
        case dict():
            return len(value) + sum(_names_in(part) for part in value.values() if isinstance(part, NESTED))
        case list():
            return sum(_names_in(part) for part in value if isinstance(part, NESTED))
    return 0


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def _holds(value: object, number: str) -> bool:
    match value:
        case dict():
            return any(_holds(part, number) for part in value.values())
        case list():
            return any(_holds(part, number) for part in value)
    return isinstance(value, _Number) and value == number


def _has_unusual_number(data: bytes) -> bool:
    """Tell whether a line may hold a number that a float does not; most lines are told by their looks."""
    flat = data.translate(FLAT)
    if (FLAT_SMALL in flat or FLAT_ZEROS in flat) and SMALL.search(data):
        return True
    return FLAT_LONG in flat and _may_be_long(data)


def _may_be_long(data: bytes) -> bool:
    """Tell whether a line may hold a number with a fraction or an exponent, and more than 17 digits."""
    return any(
        number.strip(b"0123456789")
        and len(number.rstrip(b"eE").replace(b".", b"").lstrip(b"0")) > FLOAT_DIGITS
        for number in LONG_FLOAT.findall(data)
    )


def _is_held(text: str, number: float) -> bool:
    """Tell whether a float has all digits of a text, or is what was written with so many digits."""
    exact = Decimal(text)
    digits = len(exact.as_tuple().digits)
    return (
        digits <= FLOAT_DIGITS
        or exact == Decimal(repr(number))
        or exact == Decimal(f"{number:.{digits - 1}e}")
    )


def _called(value: object) -> str:
    names = {list: "list; JSONL has an object on each line", str: "text", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _cause(error: ValueError, data: bytes) -> str:
    if b"\0" in data:
        return "it holds NUL bytes, as UTF-16 does; set source['format']['encoding'] to 'utf-16-le'"
    if isinstance(error, json.JSONDecodeError):
        if data.strip() in {b"{", b"["}:
            return "the file is one JSON document over many lines; write an object on each line"
        return f"{error.msg.lower().removesuffix(' at')} at character {error.colno}"
    if LONG_NUMBER.search(data):
        return "it holds a number of thousands of digits; write it as text"
    return "it cannot be read"


def _lines(fs: Any, path: str, encoding: str | None) -> Iterator[Line]:
    """Read the lines that are not empty; a CR alone ends a line too, for inside JSON it is a space."""
    with unpacked(fs, path) as file:
        number = 0
        for whole in io.BufferedReader(Utf8Stream(file, path, encoding, "JSONL"), 1 << 16):
            alone = b"\r" in whole.rstrip(b"\r\n")
            for data in whole.split(b"\r") if alone and _is_cut(whole) else (whole,):
                number += 1
                if data.strip():
                    yield Line(path, number, data)


def _is_cut(data: bytes) -> bool:
    """Tell whether a line holds several objects, between which stands a CR."""
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except msgspec.DecodeError:
        return True
    return False
