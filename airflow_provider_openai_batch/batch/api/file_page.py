"""A page of the list of files, as any server writes it."""

from __future__ import annotations

from typing import Any

import msgspec

from airflow_provider_openai_batch.batch.api.objects import InputFile, decoded, file_of
from airflow_provider_openai_batch.batch.api.wire_values import read_flag


class FilePage(msgspec.Struct, frozen=True):
    """The files of one page, and the cursor of the next one if there may be one."""

    files: tuple[InputFile, ...]
    after: str | None = None


def read_file_page(raw: bytes) -> FilePage:
    """Read a page; raises MsgspecError where it is not readable. What has no id is left out."""
    parsed = decoded(raw)
    around = {"data": parsed} if isinstance(parsed, list) else parsed
    data = around.get("data") if isinstance(around, dict) else parsed
    if not isinstance(data, list | None):
        raise msgspec.DecodeError("the answer is not a list of files")
    files = tuple(filter(None, map(_file, data or ())))
    has_more = isinstance(around, dict) and read_flag(around.get("has_more"))
    return FilePage(files=files, after=files[-1].id if files and has_more else None)


def _file(parsed: Any) -> InputFile | None:
    try:
        return file_of(parsed) if isinstance(parsed, dict) else None
    except msgspec.MsgspecError:
        return None
