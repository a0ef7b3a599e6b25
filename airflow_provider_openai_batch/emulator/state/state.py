"""What the emulator remembers: records in SQLite, contents as files in the data folder."""

from __future__ import annotations

import sqlite3
import threading
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.emulator.state.private import make_folder, opened
from airflow_provider_openai_batch.emulator.state.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = """
create table if not exists settings (name text primary key, value text not null);
create table if not exists files (
    number integer primary key autoincrement, id text unique not null, purpose text not null,
    record text not null);
create table if not exists batches (
    number integer primary key autoincrement, id text unique not null, input_file_id text not null,
    live integer not null, record text not null);
create index if not exists live_batches on batches (live, number);
create table if not exists faults (number integer primary key autoincrement, record text not null);
"""


class Status(StrEnum):
    """The eight statuses of a batch."""

    VALIDATING = "validating"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


TERMINAL = frozenset({Status.FAILED, Status.COMPLETED, Status.EXPIRED, Status.CANCELLED})


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """How a file that is still being written grows after its batch has ended."""

    share: float
    lag: float
    steps: int

    def shown(self, age: float) -> float:
        """The share of its bytes that is there at an age in seconds."""
        done = 1 if age >= self.lag else int(self.steps * age / self.lag) / self.steps
        return self.share + (1 - self.share) * done


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One uploaded or produced file; a deleted one keeps its place in lists as a cursor."""

    id: str
    filename: str
    purpose: str
    bytes: int
    created_at: float
    expires_at: float
    deleted: bool = False
    grows: Growth | None = None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of a request or of a whole batch."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


class LineError(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a failed batch's `errors.data`."""

    code: str
    message: str
    param: str | None = None
    line: int | None = None


class StageTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long each stage of a batch takes, in seconds, fixed when it is created."""

    validation: float = 0
    running: float = 0
    finalization: float = 0
    cancellation: float = 0
    cancel_at: float | None = None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A named fault with its options; `seen` counts its matches, `used` how often it has struck."""

    number: int = 0
    name: str
    options: dict[str, Any] = {}
    since: float = 0
    at_start: bool = False
    seen: int = 0
    used: int = 0


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One batch: what was asked, its faults, the times of its stages, and how far it is."""

    number: int = 0
    id: str
    endpoint: str
    input_file_id: str
    completion_window: str
    metadata: dict[str, str] | None
    created_at: float
    expires_at: float
    output_seconds: int
    stages: StageTimes = msgspec.field(name="plan")
    faults: tuple[Fault, ...] = ()
    status: Status = Status.VALIDATING
    model: str | None = None
    tokens: int = 0
    errors: tuple[LineError, ...] = ()
    total: int = 0
    completed: int = 0
    failed: int = 0
    usage: Usage = Usage()
    output_file_id: str | None = None
    error_file_id: str | None = None
    in_progress_at: float | None = None
    finalizing_at: float | None = None
    completed_at: float | None = None
    failed_at: float | None = None
    expired_at: float | None = None
    cancelling_at: float | None = None
    cancelled_at: float | None = None


class State:
    """The records; each method is one transaction, safe to call from any thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for made in (folder, folder / "files", folder / "ledger"):
            make_folder(made)
        self._lock = threading.RLock()
        database = folder / "state.sqlite"
        opened(database, "ab").close()
        self._db = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        # A killed process loses nothing that it wrote; only a power failure could, and this is an emulator.
        self._db.executescript("pragma journal_mode=wal; pragma synchronous=off;" + SCHEMA)

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            self._db.close()

    def _write(self, *statements: Statement) -> int:
        with self._lock:
            self._db.execute("begin immediate")
            try:
                numbers = [self._db.execute(one.sql, one.values).lastrowid or 0 for one in statements]
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")
            return numbers[-1]

    def _read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def setting(self, name: str) -> str | None:
        """A value that outlives a restart."""
        rows = self._read("select value from settings where name = ?", name)
        return rows[0][0] if rows else None

    def set_setting(self, name: str, value: str) -> None:
        """Keep a value over restarts."""
        self._write(Statement("insert or replace into settings values (?, ?)", name, value))

    def content(self, file_id: str) -> Path:
        """Where the bytes of a file are."""
        return self.folder / "files" / file_id

    def executions(self, batch_id: str) -> Path:
        """Where the ledger of a batch is."""
        return self.folder / "ledger" / f"{batch_id}.jsonl"

    def add_file(self, file: File) -> None:
        """Record a file whose content is in place."""
        self._write(_insert_file(file))

    def file(self, file_id: str) -> File | None:
        """The record of a file, deleted or not."""
        rows = self._read("select record from files where id = ?", file_id)
        return msgspec.json.decode(rows[0][0], type=File) if rows else None

    def replace_file(self, file: File) -> None:
        """Rewrite the record of a file."""
        self._write(Statement("update files set record = ? where id = ?", _text(file), file.id))

    def files(self, *, newest_first: bool, after: str | None) -> Iterator[File]:
        """All files in order of creation, from a cursor on."""
        rows = self._read(
            _page("files", newest_first=newest_first, after=after), *((after,) if after else ())
        )
        return (msgspec.json.decode(record, type=File) for _, record in rows)

    def add_batch(self, batch: Batch) -> Batch:
        """Record a new batch and number it."""
        number = self._write(
            Statement(
                "insert into batches (id, input_file_id, live, record) values (?, ?, 1, ?)",
                batch.id,
                batch.input_file_id,
                _text(batch),
            )
        )
        return msgspec.structs.replace(batch, number=number)

    def batch(self, batch_id: str) -> Batch | None:
        """The record of a batch."""
        rows = self._read("select number, record from batches where id = ?", batch_id)
        return _batch(*rows[0]) if rows else None

    def replace_batch(self, batch: Batch, *files: File) -> None:
        """Rewrite a batch together with the files that it just produced."""
        update = "update batches set record = ?, live = ? where id = ?"
        live = batch.status not in TERMINAL
        self._write(*map(_insert_file, files), Statement(update, _text(batch), live, batch.id))

    def batches(self, *, after: str | None = None) -> Iterator[Batch]:
        """All batches, newest first, from a cursor on."""
        rows = self._read(_page("batches", newest_first=True, after=after), *((after,) if after else ()))
        return (_batch(*row) for row in rows)

    def live_batches(self, input_file_id: str | None = None) -> list[Batch]:
        """Batches that have not ended, oldest first; those of one input file if given."""
        rows = self._read(
            "select number, record from batches where live = 1 and input_file_id = coalesce(?, input_file_id)"
            " order by number",
            input_file_id,
        )
        return [_batch(*row) for row in rows]

    def add_fault(self, fault: Fault) -> None:
        """Switch a fault on."""
        self._write(Statement("insert into faults (record) values (?)", _text(fault)))

    def faults(self) -> list[Fault]:
        """The faults that are switched on, oldest first."""
        rows = self._read("select number, record from faults order by number")
        return [
            msgspec.structs.replace(msgspec.json.decode(record, type=Fault), number=number)
            for number, record in rows
        ]

    def replace_fault(self, fault: Fault) -> None:
        """Rewrite a fault, for its count."""
        self._write(Statement("update faults set record = ? where number = ?", _text(fault), fault.number))

    def clear_faults(self, *, at_start: bool) -> None:
        """Switch all faults off, or only those that were given at the start."""
        sql = "delete from faults where ? = 0 or json_extract(record, '$.at_start')"
        self._write(Statement(sql, at_start))


def _text(record: msgspec.Struct) -> str:
    return msgspec.json.encode(record).decode()


def _batch(number: int, record: str) -> Batch:
    return msgspec.structs.replace(msgspec.json.decode(record, type=Batch), number=number)


def _insert_file(file: File) -> Statement:
    sql = "insert into files (id, purpose, record) values (?, ?, ?)"
    return Statement(sql, file.id, file.purpose, _text(file))


def _page(table: str, *, newest_first: bool, after: str | None) -> str:
    compare, order = ("<", "desc") if newest_first else (">", "asc")
    # The names are our own; the cursor's id is a parameter.
    cursor = f"where number {compare} (select number from {table} where id = ?)" if after else ""  # noqa: S608
    return f"select number, record from {table} {cursor} order by number {order}"  # noqa: S608
