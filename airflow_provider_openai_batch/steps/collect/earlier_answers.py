"""The answers that earlier sends of the same requests have brought: they are not those of a later one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from airflow_provider_openai_batch.batch.text.lenient_json import UNREADABLE, decode_line
from airflow_provider_openai_batch.steps.run_folder.raw_lines import digest_of, raw_lines
from airflow_provider_openai_batch.steps.run_folder.read import recall_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.store.run_store import RunStore

PIECE = 1 << 16


def is_of_earlier(store: RunStore, send: Send, file: BinaryIO) -> bool:
    """Tell whether a file, or its beginning, is what an earlier send of these requests has brought.

    A server that shows another file than was asked for may show that one: its lines name the same requests.
    Lines that no id of the server's own tells from others may honestly be the same again.
    """
    for earlier in recall_run(store).earlier_sends(send):
        for name in sorted(earlier.raw):
            with store.open(f"{earlier.folder}/{name}") as other:
                if _begin_alike(file, other):
                    return True
    return False


def without_earlier(store: RunStore, send: Send, lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines without those that an earlier send of these requests has brought."""
    earlier = recall_run(store).earlier_sends(send)
    known = {digest_of(line) for one in earlier for line in raw_lines(store, one)}
    for line in lines:
        if not (known and digest_of(line) in known and _is_unique(line)):
            yield line


def _begin_alike(file: BinaryIO, other: BinaryIO) -> bool:
    """Tell whether one is the beginning of the other, with a line that is like no other."""
    file.seek(0)
    line = file.readline()
    if line != other.readline() or not _is_unique(line):
        return False
    while (ours := file.read(PIECE)) and (theirs := other.read(PIECE)):
        shared = min(len(ours), len(theirs))
        if ours[:shared] != theirs[:shared]:
            return False
    return True


def _is_unique(line: bytes) -> bool:
    """Tell whether a line has an id that its server gives to no other; one that is cut may have one."""
    if not line.strip():
        return False
    try:
        told = decode_line(line)
    except UNREADABLE:
        return True
    response = _part(told, "response")
    ids = (_part(told, "id"), _part(response, "request_id"), _part(_part(response, "body"), "id"))
    return any(isinstance(one, str) and one not in {"", _part(told, "custom_id")} for one in ids)


def _part(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
