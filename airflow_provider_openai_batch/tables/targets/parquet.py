"""Results as Parquet: one file for each run or partition, put whole."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.arguments.missing_packages import install, unopened
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.store.scratch import scratch_folder
from airflow_provider_openai_batch.tables.existing.existing_files import HeldFiles, read_back
from airflow_provider_openai_batch.tables.grouping import GROUP_ROWS, grouped
from airflow_provider_openai_batch.tables.landing import Landing, Written
from airflow_provider_openai_batch.tables.statements.partition import fill_partition, with_partition
from airflow_provider_openai_batch.tables.types.samples import sample_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from airflow_provider_openai_batch.batch.output.column_limits import Bounds

PART = "results.parquet"
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class PathTarget:
    """A folder on any object storage.

    `append` puts `<run>.parquet` into it, `replace_partition` `<column>=<value>/results.parquet`, where
    the partition's columns are in the folders' names and not in the file, as readers expect it.
    """

    path: str

    def opened(self) -> AbstractContextManager[PathTarget]:
        """Have nothing to open: storage is asked file by file."""
        return nullcontext(self)

    def check(self, landing: Landing) -> None:
        """Put a probe where the results go, and take it away."""
        landing = with_partition(landing)
        _check_types(landing)
        folder, name = self._place(landing)
        probe = f".check-{uuid4().hex}"
        with _writable(self.path) as fs:
            _check_alone(fs, folder, name, landing)
            _make_folder(fs, folder)
            fs.pipe_file(f"{folder}/{probe}", b"")
            fs.rm_file(f"{folder}/{probe}")

    def held(self, landing: Landing) -> HeldFiles | None:
        """Read back what the runs before have put there."""
        folder, _ = self._place(with_partition(landing))
        with _writable(self.path) as fs:
            return read_back(fs, folder, landing)

    def keys(self, landing: Landing) -> None:
        """Take every key as it is."""

    def carried(self, landing: Landing) -> None:
        """Take every value: files have the types of the rows."""

    def bounds(self, landing: Landing) -> Bounds:  # noqa: ARG002
        """Take every answer."""
        return {}

    def write(
        self, landing: Landing, batches: Iterator[pa.RecordBatch], guard: Callable[[], None]
    ) -> Written:
        landing = with_partition(landing)
        folder, name = self._place(landing)
        with scratch_folder() as scratch:
            local = Path(scratch, PART)
            rows = _write_local(local, landing, fill_partition(landing, batches))
            guard()
            with _writable(self.path) as fs:
                _check_alone(fs, folder, name, landing)
                _put(fs, local, folder, name)
        return Written(written=rows, kept=0)

    def _place(self, landing: Landing) -> tuple[str, str]:
        with _writable(self.path):
            base = ObjectStoragePath(self.path).path.rstrip("/")
        if landing.mode == "append":
            return base, file_name(landing.run_id)
        return "/".join([base, *(_folder(name, value) for name, value in landing.partition.items())]), PART


def file_name(run_id: str) -> str:
    """Name the file of a run: readable, and another one for every other run."""
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", run_id).lstrip("._")[-LONGEST_NAME:]
    return f"{readable}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}.parquet"


def _folder(name: str, value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{quote(name, safe=' ')}={quote(text, safe=' ')}"


def _check_alone(fs: Any, folder: str, name: str, landing: Landing) -> None:
    if landing.mode != "replace_partition" or not fs.isdir(folder):
        return
    others = [
        found for found in fs.find(folder) if found.endswith(".parquet") and found.rpartition("/")[2] != name
    ]
    if others:
        raise InvalidRequest(
            f"The partition's folder {folder!r} holds {others[0].rpartition('/')[2]!r}, which is not of this "
            "provider: readers would see both. Move it away, or name another path."
        )


def _write_local(local: Path, landing: Landing, batches: Iterator[pa.RecordBatch]) -> int:
    outside = set(landing.partition) if landing.mode == "replace_partition" else set()
    kept = [field.name for field in landing.schema if field.name not in outside]
    schema = pa.schema([landing.schema.field(name) for name in kept])
    with pq.ParquetWriter(local, schema, compression="snappy") as writer:

        def put(group: pa.Table) -> int:
            writer.write_table(group.select(kept).cast(schema), row_group_size=GROUP_ROWS)
            return group.num_rows  # type: ignore[no-any-return]

        return sum(map(put, grouped(batches)))  # a loop would hold a group until the next one is there


def _check_types(landing: Landing) -> None:
    """Write values of each type, for there may be one that Parquet has no form for."""
    rows = sample_rows(landing.schema)
    try:
        with pq.ParquetWriter(pa.BufferOutputStream(), landing.schema) as writer:
            writer.write_batch(rows)
    except pa.ArrowException as error:
        raise InvalidRequest(f"Parquet does not hold the results: {error}") from None


def _make_folder(fs: Any, folder: str) -> None:
    # s3fs makes the bucket of a folder, too, if it may not list all buckets, and few accounts may do that. A
    # bucket that lacks, or that takes no files, shows at the put that follows.
    with nullcontext() if _is_local(fs) else suppress(PermissionError):
        fs.makedirs(folder, exist_ok=True)


def _put(fs: Any, local: Path, folder: str, name: str) -> None:
    """Put the file whole: by one rename on a disk, by one upload elsewhere."""
    _make_folder(fs, folder)
    if not _is_local(fs):
        fs.put_file(str(local), f"{folder}/{name}")
        return
    beside = Path(folder, f".{name}-{uuid4().hex}")
    try:
        fs.put_file(str(local), str(beside))
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(Path(folder, name))
    finally:
        beside.unlink(missing_ok=True)


def _is_local(fs: Any) -> bool:
    protocol = fs.protocol
    return bool({"file", "local"} & ({protocol} if isinstance(protocol, str) else set(protocol)))


@contextmanager
def _writable(path: str) -> Iterator[Any]:
    try:
        yield ObjectStoragePath(path).fs
    except (PermissionError, NotADirectoryError, FileNotFoundError, FileExistsError) as error:
        raise InvalidRequest(f"target['path'] {path!r} cannot be written: {type(error).__name__}.") from None
    except OSError as error:
        raise OpenAIBatchError(
            f"target['path'] {path!r} cannot be written: {type(error).__name__}."
        ) from None
    except (ImportError, ValueError) as error:
        raise InvalidRequest(unopened(f"target['path'] {path!r}", error, install(path))) from None
