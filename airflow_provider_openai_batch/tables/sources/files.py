"""Parquet, CSV, and JSONL files on any object storage as a source."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.arguments.missing_packages import install, unopened
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS
from airflow_provider_openai_batch.tables.sources import file_names, formats
from airflow_provider_openai_batch.tables.sources.text_stream import Unreadable
from airflow_provider_openai_batch.tables.types import arrow_types, plain_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_openai_batch.batch.arguments.text_format import TextFormat

FILE, ROW = "_file", "_row"
GLOB = re.compile(r"[*?\[]")
HIVE = re.compile(r"([^/=]+)=([^/]*)")
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
OWN_FIELDS = {FILE: pa.field(FILE, pa.string()), ROW: pa.field(ROW, pa.int64())}


@dataclass(frozen=True, slots=True)
class Found:
    """One file: its path inside its file system and the values that its folders state."""

    path: str
    partition: dict[str, str | None]
    kind: formats.Format


@dataclass(frozen=True, slots=True)
class FileSource:
    """All rows of all files of a path, in the order of their names.

    `_file` is a file's whole path and `_row` counts its rows from 1; hive partitions are text.
    Files without any column of their own have no rows, and no columns.
    """

    path: str
    #: How text files are written; None: as their names and their first bytes say.
    form: TextFormat | None = None

    def columns(self) -> tuple[str, ...]:
        with _readable(self.path):
            opened = self._opened()
        return tuple(opened.fields) if opened.own else ()

    @contextmanager
    def read(self, columns: Sequence[str]) -> Iterator[Iterator[pa.RecordBatch]]:
        with _readable(self.path):
            opened = self._opened()
        fields = [opened.fields[name] for name in columns]
        plain_fields.check_known(fields)
        yield self._batches(opened, fields)

    def _opened(self) -> Opened:
        root = ObjectStoragePath(self.path)
        files = self._files(_list(root))
        fields = dict(OWN_FIELDS)
        for name in {name: None for file in files for name in file.partition}:
            fields[name] = pa.field(name, pa.string())
        own: dict[str, pa.Field] = {}
        for kind in dict.fromkeys(file.kind for file in files):
            paths = [file.path for file in files if file.kind is kind]
            own |= {field.name: field for field in kind.fields(root.fs, paths)}
        return Opened(
            root=root,
            files=files,
            own=own,
            fields={**own, **{name: field for name, field in fields.items() if name not in own}},
        )

    def _files(self, paths: list[str]) -> list[Found]:
        """Give each file its format: that of its ending, and CSV where only the argument tells one."""
        file_names.check_names(self.path, paths, self.form)
        kinds = {path: formats.by_name(path) or formats.CSV for path in paths}
        _check_one_format(self.path, list(kinds.values()))
        form = self.form
        read = {kind: kind if form is None else kind.of(form) for kind in kinds.values()}
        return [Found(path, _partition(path), read[kind]) for path, kind in kinds.items()]

    def _batches(self, opened: Opened, fields: list[pa.Field]) -> Iterator[pa.RecordBatch]:
        if not opened.own:
            return
        schema, empty = pa.schema(fields), bool(fields)
        inside = opened.inside(fields)
        for file in opened.files:
            row = 1
            for batch in _guarded(self.path, file.kind.batches(opened.root.fs, file.path, inside)):
                for part in _sliced(batch):
                    made = {FILE: _shown(opened.root, file), ROW: row}
                    yield pa.RecordBatch.from_arrays(
                        [_array(field, part, file, made) for field in fields], schema=schema
                    )
                    row, empty = row + part.num_rows, False
        if empty:
            yield arrow_types.no_rows(schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The files of a path and their common columns."""

    root: Any
    files: list[Found]
    #: The columns inside the files.
    own: dict[str, pa.Field]
    #: These, and those of the folders' names, `_file`, and `_row`.
    fields: dict[str, pa.Field]

    def inside(self, fields: Sequence[pa.Field]) -> list[pa.Field]:
        """Choose what to read of the files: at least one column, for the count of rows."""
        return [field for field in fields if field.name in self.own] or list(self.own.values())[:1]


def _array(field: pa.Field, batch: pa.RecordBatch, file: Found, made: dict[str, Any]) -> pa.Array:
    if field.name in batch.schema.names:
        return plain_fields.fitted(batch.column(field.name), field)
    if field.name == ROW:
        return pa.array(range(made[ROW], made[ROW] + batch.num_rows), pa.int64())
    value = made[FILE] if field.name == FILE else file.partition.get(field.name)
    return pa.repeat(pa.scalar(value, field.type), batch.num_rows)


def _sliced(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)


def _list(root: Any) -> list[str]:
    fs, path = root.fs, root.path
    if glob := GLOB.search(path):
        base = path[: glob.start()].rpartition("/")[0]
        return file_names.data_files(fs.glob(path, detail=True), base)
    if fs.isdir(path):
        return file_names.data_files(fs.find(path, detail=True), path)
    fs.info(path)
    return [path]


def _partition(path: str) -> dict[str, str | None]:
    pairs = (HIVE.fullmatch(part) for part in path.split("/")[:-1])
    stated = {unquote(pair[1]): unquote(pair[2]) for pair in pairs if pair}
    return {name: None if value == HIVE_NULL else value for name, value in stated.items()}


def _check_one_format(path: str, kinds: list[formats.Format]) -> None:
    if len({type(kind) for kind in kinds}) != 1:
        what = "files of several formats" if kinds else f"no file that ends in {', '.join(formats.ENDINGS)}"
        raise InvalidRequest(f"source['path'] {path!r} has {what}; name files of one format.")


def _shown(root: Any, file: Found) -> str:
    protocol = root.protocol or "file"
    return file.path if protocol in {"file", "local"} else f"{protocol}://{file.path.lstrip('/')}"


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, PermissionError, NotADirectoryError, IsADirectoryError) as error:
        raise InvalidRequest(f"source['path'] {path!r} cannot be read: {type(error).__name__}.") from None
    except Unreadable as error:
        raise InvalidRequest(f"source['path'] {path!r} cannot be read: {error}") from None
    except OSError as error:
        raise OpenAIBatchError(f"source['path'] {path!r} cannot be read: {type(error).__name__}.") from None
    except (ImportError, ValueError) as error:
        raise InvalidRequest(unopened(f"source['path'] {path!r}", error, install(path))) from None


def _guarded(path: str, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    while True:
        with _readable(path):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch
