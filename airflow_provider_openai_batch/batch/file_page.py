"""A page of the list of files, as any server writes it."""

from __future__ import annotations

import msgspec

from airflow_provider_openai_batch.batch.api import InputFile, read_input_file
from airflow_provider_openai_batch.batch.shallow import shallow


class FilePage(msgspec.Struct, frozen=True):
    """The files of one page, and the cursor of the next one if there may be one."""

    files: tuple[InputFile, ...]
    after: str | None = None


class _WirePage(msgspec.Struct, frozen=True):
    data: list[msgspec.Raw] | None = None
    has_more: bool | None = None


def read_file_page(raw: bytes) -> FilePage:
    """Read a page; raises MsgspecError where it is not readable. A file without an id is left out."""
    told = msgspec.json.decode(shallow(raw), type=_WirePage | list[msgspec.Raw], strict=False)
    page = _WirePage(data=told) if isinstance(told, list) else told
    files = tuple(_files(page.data or []))
    return FilePage(files=files, after=files[-1].id if files and page.has_more else None)


def _files(data: list[msgspec.Raw]) -> list[InputFile]:
    found = []
    for raw in data:
        try:
            found.append(read_input_file(bytes(raw)))
        except msgspec.MsgspecError:
            continue
    return found
