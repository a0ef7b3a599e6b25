"""JSONL files: a JSON object on each line."""

from __future__ import annotations

import io
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
import pyarrow as pa

from airflow_provider_openai_batch.batch.text_format import ARGUMENT, TextFormat
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables import types
from airflow_provider_openai_batch.tables.base import BATCH_ROWS
from airflow_provider_openai_batch.tables.text_stream import Unreadable, Utf8Stream, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: How many values of a column decide its type; names are looked for in all rows.
SAMPLE_ROWS = 10_000
NULL = b"null"
Row = dict[str, Any]


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
        sample = [line.row() for line in islice(lines, SAMPLE_ROWS)]
        found = dict.fromkeys(name for row in sample for name in row)
        kinds = {name: types.infer(name, (row.get(name) for row in sample)) for name in found}
        late: dict[str, list[Any]] = {name: [] for name, kind in kinds.items() if kind is None}
        typed = {name for name, kind in kinds.items() if kind is not None}
        for line in lines:
            line.late(typed, late)
        kinds |= {name: types.infer(name, values) for name, values in late.items()}
        return [types.field_of(name, kind or "text") for name, kind in kinds.items()]

    def batches(self, fs: Any, path: str, fields: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
        """Read those of the columns that this file has."""
        rows = (line.row() for line in _lines(fs, path, self._encoding))
        while chunk := list(islice(rows, BATCH_ROWS)):
            arrays = [
                types.untyped(field, types.kind_of(field), [row.get(field.name) for row in chunk])
                for field in fields
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


class Line:
    """One line with its place."""

    __slots__ = ("data", "number", "path")
    _decode = msgspec.json.Decoder().decode
    _names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

    def __init__(self, path: str, number: int, data: bytes) -> None:
        self.path, self.number, self.data = path, number, data

    def row(self) -> Row:
        """Read the object."""
        try:
            row = self._decode(self.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            row = self._leniently()
        if not isinstance(row, dict):
            self._refuse(f"it is a JSON {_called(row)}")
        return row

    def late(self, typed: set[str], late: dict[str, list[Any]]) -> None:
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
                values.append(row[name])

    def _leniently(self) -> object:
        """Read what Python's own reader takes, such as half of a surrogate pair, or name the cause."""
        try:
            return json.loads(self.data, parse_constant=self._no_constant)
        except RecursionError:
            self._refuse("it is nested too deeply")
        except ValueError as error:
            self._refuse(_cause(error, self.data))

    def _no_constant(self, name: str) -> NoReturn:
        self._refuse(f"it holds {name}, which JSON has not; write null")

    def _refuse(self, cause: str) -> NoReturn:
        raise Unreadable(f"line {self.number} of {self.path!r} is no JSON object: {cause}.")


def _called(value: object) -> str:
    names = {list: "list; JSONL has an object on each line", str: "text", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _cause(error: ValueError, data: bytes) -> str:
    if b"\0" in data:
        return "it holds NUL bytes, as UTF-16 does; set source['format']['encoding'] to 'utf-16-le'"
    if isinstance(error, json.JSONDecodeError):
        if data.strip() in {b"{", b"["}:
            return "the file is one JSON document over many lines; write an object on each line"
        return f"{error.msg.lower()} at character {error.colno}"
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
