"""Files: uploaded, produced, listed, and forgotten when their time is over."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.emulator.errors import ApiError, missing, no_file
from airflow_provider_openai_batch.emulator.settings import DAY
from airflow_provider_openai_batch.emulator.state.private import opened
from airflow_provider_openai_batch.emulator.state.state import File

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_openai_batch.emulator.settings import Settings
    from airflow_provider_openai_batch.emulator.state.clock import Clock
    from airflow_provider_openai_batch.emulator.state.state import State

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
SHORTEST, LONGEST = 3_600, 30 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadForm:
    """What an upload says beside its content."""

    filename: str
    purpose: str | None
    seconds: int


class Files:
    """The file part of the API."""

    def __init__(self, state: State, clock: Clock, settings: Settings) -> None:
        self._state = state
        self._clock = clock
        self._settings = settings

    def upload(self, source: IO[bytes], asked: UploadForm) -> File:
        """Keep an uploaded file; its content is on disk before its record."""
        if asked.purpose is None:
            raise missing("purpose")
        if asked.purpose not in PURPOSES:
            text = f"'{asked.purpose}' is not one of {list(PURPOSES)!r} - 'purpose'"
            raise ApiError(400, text, param="purpose")
        file_id = new_id("file-")
        path = self._state.content(file_id)
        with opened(path, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        try:
            self._check(path, asked)
        except ApiError:
            path.unlink()
            raise
        now = self._clock.now()
        file = File(
            id=file_id,
            filename=asked.filename,
            purpose=asked.purpose,
            bytes=path.stat().st_size,
            created_at=now,
            expires_at=now + asked.seconds,
        )
        self._state.add_file(file)
        return file

    def _check(self, path: Path, asked: UploadForm) -> None:
        if asked.purpose != "batch":
            return
        if path.stat().st_size > self._settings.bytes_per_file:
            raise ApiError(400, "File is too large.")
        with path.open("rb") as lines:
            first = lines.readline()
        if not asked.filename.endswith(".jsonl") or not _is_object(first):
            text = "Invalid file format for Batch API. Must be .jsonl"
            error = ApiError(400, text)
            error.body["detail"] = text
            raise error

    def get(self, file_id: str) -> File:
        """A file that exists at present."""
        file = self._state.file(file_id)
        if file is None or not self._exists(file):
            raise no_file(file_id)
        return file

    def _exists(self, file: File) -> bool:
        return not file.deleted and self._clock.now() < file.expires_at

    def content(self, file_id: str) -> Path:
        """Where the bytes of an existing file are, as far as they are written."""
        file = self.get(file_id)
        whole = self._state.content(file.id)
        if (size := self._written(file)) == file.bytes:
            return whole
        part = whole.with_name(f"{whole.name}-{size}")
        with opened(part, "wb") as target:
            target.write(whole.read_bytes()[:size])
        return part

    def shown(self, file_id: str) -> File:
        """A file that exists at present, with the bytes that it has by now."""
        file = self.get(file_id)
        return msgspec.structs.replace(file, bytes=self._written(file))

    def _written(self, file: File) -> int:
        """How many bytes of a file there are by now; it grows by whole lines."""
        share = 1.0 if file.grows is None else file.grows.shown(self._clock.now() - file.created_at)
        if share >= 1:
            return file.bytes
        lines = self._state.content(file.id).read_bytes().splitlines(keepends=True)
        return sum(map(len, lines[: int(share * len(lines))]))

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        """One page of files."""
        limit = page_limit(query, 10_000, 10_000)
        newest_first = query.get("order", "desc") != "asc"
        found = (
            file
            for file in self._state.files(newest_first=newest_first, after=query.get("after"))
            if self._exists(file) and query.get("purpose") in (None, file.purpose)
        )
        data = list(islice(found, limit + 1))
        return as_page([view(file) for file in data[:limit]], has_more=len(data) > limit)

    def existing(self) -> list[File]:
        """All files that exist, oldest first."""
        return [file for file in self._state.files(newest_first=False, after=None) if self._exists(file)]

    def delete(self, file_id: str) -> dict[str, Any]:
        """Forget a file; batches that are running from it keep their copy."""
        file = self.get(file_id)
        self._state.replace_file(msgspec.structs.replace(file, deleted=True))
        if not self._state.live_batches(file_id):
            self._state.content(file_id).unlink(missing_ok=True)
        return {"id": file_id, "object": "file", "deleted": True}


def new_id(prefix: str) -> str:
    """A fresh id."""
    return prefix + secrets.token_hex(12)


def view(file: File) -> dict[str, Any]:
    """A file as the API shows it."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": int(file.created_at),
        "expires_at": int(file.expires_at),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def as_page(data: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """A page of a list as the API shows it."""
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": has_more}


def page_limit(query: dict[str, str], default: int, most: int) -> int:
    """The page size that was asked for."""
    text = query.get("limit", str(default))
    if not text.isdigit() or not 1 <= int(text) <= most:
        text = f"Invalid 'limit': expected an integer from 1 to {most}, but got {text!r} instead."
        raise ApiError(400, text, param="limit", code="invalid_value")
    return int(text)


def lifetime(anchor: object, seconds: object, name: str) -> int:
    """The seconds of an `expires_after`, 30 days when nothing was asked."""
    if anchor is None and seconds is None:
        return LONGEST
    if anchor != "created_at":
        text = f"Invalid value: {anchor!r}. Supported values are: 'created_at'."
        raise ApiError(400, text, param=f"{name}.anchor", code="invalid_value")
    if not str(seconds).isdigit() or not SHORTEST <= int(str(seconds)) <= LONGEST:
        text = (
            f"Invalid '{name}.seconds': expected an integer from {SHORTEST} to {LONGEST}, "
            f"but got {seconds!r} instead."
        )
        raise ApiError(400, text, param=f"{name}.seconds", code="invalid_value")
    return int(str(seconds))


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
