"""Rows as Parquet files on this machine, one after another, for a warehouse that loads files."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_provider_openai_batch.store.scratch import scratch_folder
from airflow_provider_openai_batch.tables.grouping import grouped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_openai_batch.tables.plan import TargetColumn

    #: Bring the values of a column to the type that the warehouse reads from a file.
    Form = Callable[[TargetColumn, pa.Array], pa.Array]

#: How much is in a file, as Arrow holds it: compressed, it is about what warehouses advise.
FILE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFile:
    """A Parquet file that is there until the next one is asked for."""

    path: Path
    rows: int


def named(place: int) -> str:
    """Name a column of the files by its place: other names are no matter of theirs."""
    return f"c{place}"


@contextmanager
def staged_files(
    batches: Iterator[pa.RecordBatch],
    columns: Sequence[TargetColumn],
    form: Form,
    *,
    most_bytes: int = FILE_BYTES,
    names: Sequence[str] | None = None,
) -> Iterator[Iterator[StagedFile]]:
    """Write batches into files as they are asked for; one is there at a time, and none without rows.

    :param names: of the columns in the files, where a warehouse finds them by their names.
    """
    names = [named(place) for place in range(len(columns))] if names is None else names
    with scratch_folder() as folder:
        yield _files(Path(folder), _tables(batches, columns, form, names), most_bytes)


def _tables(
    batches: Iterator[pa.RecordBatch], columns: Sequence[TargetColumn], form: Form, names: Sequence[str]
) -> Iterator[pa.Table]:
    for group in grouped(batch for batch in batches if batch.num_rows):
        arrays = [form(column, _whole(group.column(column.field.name))) for column in columns]
        yield pa.table(arrays, names=list(names))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _files(folder: Path, tables: Iterator[pa.Table], most_bytes: int) -> Iterator[StagedFile]:
    number, table = 0, next(tables, None)
    while table is not None:
        path = folder / f"{number:06}.parquet"
        rows, table = _written(path, table, tables, most_bytes)
        yield StagedFile(path=path, rows=rows)
        path.unlink()
        number += 1


def _written(
    path: Path, table: pa.Table, tables: Iterator[pa.Table], most_bytes: int
) -> tuple[int, pa.Table | None]:
    """Fill one file, and give its rows and the table that begins the next one."""
    rows = size = 0
    with pq.ParquetWriter(path, table.schema, compression="snappy") as writer:
        while table is not None and size < most_bytes:
            writer.write_table(table)
            rows, size = rows + table.num_rows, size + table.nbytes
            table = next(tables, None)
    return rows, table
