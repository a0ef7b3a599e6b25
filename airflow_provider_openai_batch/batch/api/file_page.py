"""The list of files, page by page, as any server writes it."""

from __future__ import annotations

from typing import Any

import msgspec

from airflow_provider_openai_batch.batch.api.objects import InputFile, decoded, file_of
from airflow_provider_openai_batch.batch.api.paging import Order
from airflow_provider_openai_batch.batch.api.wire_values import read_flag

MOST_PAGES = 20


class FilePage(msgspec.Struct, frozen=True):
    """The files of one page, and the cursor of the next one if there may be one."""

    files: tuple[InputFile, ...]
    after: str | None = None
    has_gap: bool = False  #: an entry has no id, or there are more and no cursor to them


class FilePaging:
    """Where a reading of the list of input files is: what was read, and what to ask next.

    It ends at a page of files that are all older than `oldest` (API time), and after 20 pages.
    """

    def __init__(self, oldest: float) -> None:
        self._oldest = oldest
        self._pages = 0
        self._has_gap = False
        self._order = Order()
        self.query: dict[str, Any] = {"purpose": "batch"}
        self.files: list[InputFile] = []
        self.more = True
        #: Whether all files since `oldest` were seen: it was read to its end, or, newest first, past it.
        self.is_whole = False

    def take(self, raw: bytes) -> None:
        """Read a page; raises MsgspecError where it is not readable."""
        page = read_file_page(raw)
        self.files += page.files
        self._pages += 1
        self._has_gap |= page.has_gap
        times = [file.created_at for file in page.files if file.created_at is not None]
        self._order.take(times)
        is_past = bool(times) and max(times) < self._oldest
        is_end = page.after is None or (is_past and self._order.is_newest_first)
        self.is_whole = is_end and not self._has_gap
        is_over = is_past or page.after in {None, self.query.get("after")}
        self.more = not is_over and self._pages < MOST_PAGES
        self.query["after"] = page.after


def read_file_page(raw: bytes) -> FilePage:
    """Read a page; raises MsgspecError where it is not readable. What has no id is left out."""
    parsed = decoded(raw)
    around = {"data": parsed} if isinstance(parsed, list) else parsed
    data = around.get("data") if isinstance(around, dict) else parsed
    if not isinstance(data, list | None):
        raise msgspec.DecodeError("the answer is not a list of files")
    entries = data or []
    files = tuple(filter(None, map(_file, entries)))
    has_more = bool(isinstance(around, dict) and read_flag(around.get("has_more")))
    after = files[-1].id if files and has_more else None
    return FilePage(files=files, after=after, has_gap=len(files) < len(entries) or (has_more and not files))


def _file(parsed: Any) -> InputFile | None:
    try:
        return file_of(parsed) if isinstance(parsed, dict) else None
    except msgspec.MsgspecError:
        return None
