"""File formats: the columns of files and the rows of one of them."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from airflow_provider_openai_batch.tables import types
from airflow_provider_openai_batch.tables.base import BATCH_ROWS
from airflow_provider_openai_batch.tables.sql import distinct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: A CSV row must fit into one block; Arrow reads 32 blocks ahead.
CSV_BLOCK = 1 << 20
#: How many rows of JSONL decide the columns and their types.
SAMPLE_ROWS = 10_000
COMPRESSIONS = re.compile(r"\.(gz|bz2|zst|xz)$")


class Unreadable(Exception):
    """A file does not hold what its name says; the text names the file and never quotes it."""


class Format(Protocol):
    """How the files of one format are read."""

    def fields(self, fs: Any, paths: Sequence[str]) -> list[pa.Field]:
        """Find the columns of all files together."""
        ...

    def batches(self, fs: Any, path: str, fields: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
        """Read those of the columns that this file has; others may come along."""
        ...


@contextmanager
def unpacked(fs: Any, path: str) -> Iterator[Any]:
    """Open a file that may be compressed; Arrow knows zstd, which Python's library does not."""
    if not path.lower().endswith(".zst"):
        with fs.open(path, "rb", compression="infer") as file:
            yield file
        return
    with fs.open(path, "rb") as raw, io.BufferedReader(pa.CompressedInputStream(raw, "zstd")) as file:
        yield file


class Parquet:
    """Typed columns; a column that a file lacks is NULL there."""

    def fields(self, fs: Any, paths: Sequence[str]) -> list[pa.Field]:
        schemas = []
        for path in paths:
            with fs.open(path, "rb") as file:
                schema = self._open(path, file).schema_arrow
            distinct(schema.names)
            schemas.append(pa.schema([types.plain(field) for field in schema]))
        try:
            return list(pa.unify_schemas(schemas, promote_options="permissive"))
        except pa.ArrowException as error:
            raise Unreadable(f"its files have one column with two types ({error}).") from None

    def batches(self, fs: Any, path: str, fields: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
        with fs.open(path, "rb") as file:
            opened = self._open(path, file)
            present = [field.name for field in fields if field.name in opened.schema_arrow.names]
            try:
                yield from opened.iter_batches(batch_size=BATCH_ROWS, columns=present)
            except pa.ArrowException:
                raise Unreadable(f"{path!r} is damaged.") from None

    @staticmethod
    def _open(path: str, file: Any) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(file, pre_buffer=False)
        except pa.ArrowException:
            raise Unreadable(f"{path!r} is no Parquet file.") from None


class Csv:
    """Text in every column, exactly as it is written: `007` stays `007`.

    An empty field without quotes is NULL.
    """

    def __init__(self, delimiter: str = ",") -> None:
        self._parse = pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True)

    def fields(self, fs: Any, paths: Sequence[str]) -> list[pa.Field]:
        found = dict.fromkeys(name for path in paths for name in self._header(fs, path))
        return [pa.field(name, pa.string()) for name in found]

    def batches(self, fs: Any, path: str, fields: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
        header = self._header(fs, path)
        if header:
            present = [field.name for field in fields if field.name in header]
            yield from self._read(fs, path, present, header)

    def _header(self, fs: Any, path: str) -> tuple[str, ...]:
        if fs.size(path) == 0:
            return ()
        with unpacked(fs, path) as file:
            try:
                with pacsv.open_csv(file, self._blocks(), self._parse) as reader:
                    return distinct(reader.schema.names)
            except pa.ArrowInvalid as error:
                raise Unreadable(f"{path!r} is no CSV{_row_of(error)}.") from None
            except UnicodeDecodeError:
                raise Unreadable(f"{path!r} is no CSV in UTF-8.") from None

    def _read(
        self, fs: Any, path: str, present: list[str], header: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        convert = pacsv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            include_columns=present or list(header),
            null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
        )  # fmt: skip
        with unpacked(fs, path) as file:
            try:
                with pacsv.open_csv(file, self._blocks(), self._parse, convert) as reader:
                    yield from reader
            except pa.ArrowInvalid as error:
                raise Unreadable(f"{path!r} is no CSV{_row_of(error)}.") from None

    @staticmethod
    def _blocks() -> pacsv.ReadOptions:
        return pacsv.ReadOptions(block_size=CSV_BLOCK, use_threads=False)


def _row_of(error: Exception) -> str:
    found = re.search(r"Row #(\d+)", str(error))
    if "straddling" in str(error):
        return f" with rows of at most {CSV_BLOCK:,} bytes; write it as Parquet or JSONL"
    return f" in row {found[1]}" if found else ""


class Jsonl:
    """One JSON object on each line, its columns typed by the first rows; objects and lists are JSON text."""

    def fields(self, fs: Any, paths: Sequence[str]) -> list[pa.Field]:
        sample = list(islice((row for path in paths for row in _lines(fs, path)), SAMPLE_ROWS))
        found = dict.fromkeys(name for row in sample for name in row)
        kinds = {name: types.infer(name, (row.get(name) for row in sample)) for name in found}
        return [types.field_of(name, kind or "text") for name, kind in kinds.items()]

    def batches(self, fs: Any, path: str, fields: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
        rows = _lines(fs, path)
        while chunk := list(islice(rows, BATCH_ROWS)):
            arrays = [
                types.untyped(field, types.kind_of(field), [row.get(field.name) for row in chunk])
                for field in fields
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _lines(fs: Any, path: str) -> Iterator[dict[str, Any]]:
    decode = msgspec.json.Decoder().decode
    with unpacked(fs, path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                row = None
            if not isinstance(row, dict):
                raise Unreadable(f"line {number} of {path!r} is no JSON object.")
            yield row


FORMATS: dict[str, Format] = {
    ".parquet": Parquet(), ".pq": Parquet(), ".csv": Csv(), ".tsv": Csv("\t"),
    ".jsonl": Jsonl(), ".ndjson": Jsonl(),
}  # fmt: skip
ENDINGS = tuple(FORMATS)


def by_name(path: str) -> Format | None:
    """Choose the format by the file's name; compressed text files are read as well."""
    name = COMPRESSIONS.sub("", path.lower())
    return next((kind for ending, kind in FORMATS.items() if name.endswith(ending)), None)
