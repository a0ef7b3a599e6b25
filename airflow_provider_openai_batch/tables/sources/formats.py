"""File formats: the columns of files and the rows of one of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileOpener

from airflow_provider_openai_batch.batch.arguments.text_format import ARGUMENT
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS
from airflow_provider_openai_batch.tables.sources.csv_files import Csv
from airflow_provider_openai_batch.tables.sources.jsonl_files import Jsonl
from airflow_provider_openai_batch.tables.sources.sql import distinct
from airflow_provider_openai_batch.tables.sources.text_stream import Unreadable
from airflow_provider_openai_batch.tables.types import plain_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_openai_batch.batch.arguments.text_format import TextFormat

#: How much of a column is read at a time from a disk. From an object store it is all that a row group holds:
#: smaller reads, column by column, would make the client drop what it has read ahead.
DISK_BYTES = 1 << 18
COMPRESSIONS = re.compile(r"\.(gz|bz2|zst|xz)$")


class Format(Protocol):
    """How the files of one format are read."""

    def of(self, form: TextFormat) -> Format:
        """Read files that are written so."""
        ...

    def fields(self, fs: Any, paths: Sequence[str]) -> list[pa.Field]:
        """Find the columns of all files together."""
        ...

    def batches(self, fs: Any, path: str, fields: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
        """Read those of the columns that this file has; others may come along."""
        ...


class Parquet:
    """Typed columns; a column that a file lacks is NULL there."""

    def of(self, form: TextFormat) -> Parquet:
        """Refuse a format: Parquet files say themselves how they are written."""
        raise InvalidRequest(f"{ARGUMENT} is {form!r}; Parquet files take none: remove it.")

    def fields(self, fs: Any, paths: Sequence[str]) -> list[pa.Field]:
        schemas = []
        for path in paths:
            with fs.open(path, "rb") as file:
                schema = self._open(path, file).schema_arrow
            distinct(schema.names)
            schemas.append(pa.schema([plain_fields.plain(field) for field in schema]))
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
            return pq.ParquetFile(file, pre_buffer=False, buffer_size=_buffer_size(file))
        except pa.ArrowException:
            raise Unreadable(f"{path!r} is not a Parquet file.") from None


def _buffer_size(file: Any) -> int:
    """Choose how much of a column is read at a time; 0: all of it that a row group holds."""
    return DISK_BYTES if isinstance(file, LocalFileOpener) else 0


PARQUET, CSV, TSV, JSONL = Parquet(), Csv(), Csv("\t"), Jsonl()
FORMATS: dict[str, Format] = {
    ".parquet": PARQUET, ".pq": PARQUET, ".csv": CSV, ".tsv": TSV, ".jsonl": JSONL, ".ndjson": JSONL,
}  # fmt: skip
ENDINGS = tuple(FORMATS)


def by_name(path: str) -> Format | None:
    """Choose the format by the file's name; compressed text files are read as well."""
    name = COMPRESSIONS.sub("", path.lower())
    return next((kind for ending, kind in FORMATS.items() if name.endswith(ending)), None)
