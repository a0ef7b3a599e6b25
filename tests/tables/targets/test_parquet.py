"""Results as Parquet files."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from airflow.providers.common.compat.sdk import io
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables.landing import Written
from airflow_provider_openai_batch.tables.resolve import resolve_source, resolve_target
from tests.tables.factories import make_landing, make_rows, nothing

if TYPE_CHECKING:
    from pathlib import Path


def target(path: object) -> Any:
    return resolve_target(arguments.Target(path=str(path), mode="append"))


def write(path: object, landing: Any, *rows: dict[str, Any]) -> Written:
    target(path).check(landing)
    return target(path).write(landing, iter(make_rows(landing, *rows)), nothing)


def stored(path: Path, *columns: str) -> list[tuple[Any, ...]]:
    table = ds.dataset(path, partitioning="hive").to_table(columns=list(columns))
    return sorted(tuple(row.values()) for row in table.to_pylist())


def test_append_puts_one_file_for_each_run(tmp_path: Path) -> None:
    """A run's file is replaced by its next load; another run has its own."""
    first = make_landing(mode="append", run_id="dag/task/scheduled__2026-01-05T06:00:00+00:00/3")
    second = make_landing(mode="append", run_id="dag/task/scheduled__2026-01-05T06:00:00+00:00/4")

    write(tmp_path / "out", first, {"id": 1}, {"id": 2})
    write(tmp_path / "out", second, {"id": 1})

    assert Written(written=1, kept=0) == write(f"file://{tmp_path}/out", first, {"id": 3})
    assert [(1,), (3,)] == stored(tmp_path / "out", "id")
    assert 2 == len(list((tmp_path / "out").iterdir()))


def test_readers_see_a_whole_file(tmp_path: Path) -> None:
    """Who has opened the old file reads it to its end; who comes later sees the new one."""
    landing = make_landing(mode="append")
    write(tmp_path, landing, *({"id": n} for n in range(100)))
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()

    with path.open("rb") as reader:
        write(tmp_path, landing, {"id": 1})

        assert whole == reader.read()
    assert [(1,)] == stored(tmp_path, "id")


def test_replace_partition(tmp_path: Path) -> None:
    """A partition is one file in its folder; its column is read from the folder's name."""
    monday = make_landing(mode="replace_partition", partition={"day": "2026-01-05"})
    odd = make_landing(mode="replace_partition", partition={"day": "a/b=c d"})

    write(tmp_path, monday, {"id": 1}, {"id": 2})
    write(tmp_path, odd, {"id": 1})
    write(tmp_path, monday, {"id": 3})

    assert [(1, "a/b=c d"), (3, "2026-01-05")] == stored(tmp_path, "id", "day")


def test_partition_that_the_source_carries(tmp_path: Path) -> None:
    """A row of another partition is an error, and nothing is put."""
    landing = make_landing(
        pa.field("day", pa.date32()), mode="replace_partition", partition={"day": "2026-01-05"}
    )

    with pytest.raises(InvalidRequest, match="'day'"):
        write(tmp_path, landing, {"id": 1, "day": date(2026, 1, 6)})

    assert [] == list(tmp_path.rglob("*.parquet"))


def test_foreign_file_in_the_partition(tmp_path: Path) -> None:
    """A partition that others write to is refused before anything is sent."""
    landing = make_landing(mode="replace_partition", partition={"day": "2026-01-05"})
    write(tmp_path, landing, {"id": 1})
    (tmp_path / "day=2026-01-05" / "other.parquet").touch()

    with pytest.raises(InvalidRequest, match="other"):
        target(tmp_path).check(landing)


def test_guard_stops_the_load(tmp_path: Path) -> None:
    """A load that is out of date puts nothing."""

    def stale() -> None:
        raise OpenAIBatchError("stale")

    landing = make_landing(mode="append")
    with pytest.raises(OpenAIBatchError, match="stale"):
        target(tmp_path).write(landing, iter(make_rows(landing, {"id": 1})), stale)

    assert [] == list(tmp_path.iterdir())


def test_no_rows(tmp_path: Path) -> None:
    """A load without rows is a file without rows."""
    landing = make_landing(mode="append")

    assert Written(written=0, kept=0) == target(tmp_path).write(landing, iter(()), nothing)
    assert [] == stored(tmp_path, "id")


def test_path_that_cannot_be_written(tmp_path: Path) -> None:
    """A path that is not a folder is found before anything is sent."""
    (tmp_path / "file").touch()

    with pytest.raises(InvalidRequest, match="file"):
        target(tmp_path / "file").check(make_landing(mode="append"))


def test_object_storage() -> None:
    """A storage without renames takes each file in one put, and gives it back as a source."""
    attach = getattr(io, "attach", None) or import_module("airflow.io.store").attach  # its place in 2.11
    attach("memory", fs=MemoryFileSystem())
    path = f"memory://bucket-{uuid4().hex}/out"

    write(path, make_landing(mode="append", run_id="run"), {"id": 1}, {"id": 2})
    write(path, make_landing(mode="replace_partition", partition={"day": "a/b"}), {"id": 3})
    source = resolve_source(arguments.source({"path": path, "key": "id"}))
    with source.read(["id", "day", "_row", "_file"]) as batches:
        rows = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]

    assert {(1, None, 1), (2, None, 2), (3, "a/b", 1)} == {row[:3] for row in rows}
    assert {path} == {row[3].rpartition("/out/")[0] + "/out" for row in rows}


def test_every_warehouse_reads_the_file(tmp_path: Path) -> None:
    """The compression is one that the loaders of all warehouses know."""
    write(tmp_path, make_landing(mode="append"), {"id": 1})
    file = pq.ParquetFile(next(tmp_path.glob("*.parquet")))

    assert {"SNAPPY"} == {
        file.metadata.row_group(0).column(number).compression for number in range(file.metadata.num_columns)
    }
