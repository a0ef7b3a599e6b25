"""Files and folders on this machine's disk that vanish, also those of writers that were killed."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How the names of ours begin in a folder that others use, too.
OURS = "openai-batch-"
#: Seconds after which nobody writes on what nobody has touched.
LONGEST_REST = 86_400.0

_swept: set[str] = set()


@contextmanager
def scratch_file(folder: str | None = None, prefix: str = OURS) -> Iterator[tuple[int, str]]:
    """Make a file that only we can read, give its handle and path, and remove it."""
    place = folder or tempfile.gettempdir()
    sweep_once(place, prefix)
    path = f"{place}/{prefix}{secrets.token_hex(8)}"  # as `mkstemp` does, in a third of its time
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        yield handle, path
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108


@contextmanager
def scratch_folder() -> Iterator[str]:
    """Make a folder that only we can read, and remove it with all that is in it."""
    sweep_once(tempfile.gettempdir(), OURS)
    with tempfile.TemporaryDirectory(prefix=OURS, ignore_cleanup_errors=True) as folder:
        yield folder


def sweep_once(folder: str, prefix: str) -> None:
    """Remove what killed writers left in a folder, once in the life of a process."""
    if folder not in _swept:
        _swept.add(folder)
        sweep(folder, prefix, time.time() - LONGEST_REST)


def sweep(folder: str, prefix: str, before: float) -> None:
    """Remove files and folders of ours that nobody has touched since; of other users', nothing."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and _is_left(entry, before):
                _remove(entry)


def _is_left(entry: os.DirEntry[str], before: float) -> bool:
    try:
        found = entry.stat(follow_symlinks=False)
        if found.st_uid != os.getuid() or stat.S_ISLNK(found.st_mode):
            return False
        return max(found.st_mtime, _touched(entry)) < before
    except OSError:  # gone by now
        return False


def _touched(entry: os.DirEntry[str]) -> float:
    """Return when something in a folder was written last."""
    if not entry.is_dir(follow_symlinks=False):
        return 0.0
    inside = (f"{folder}/{name}" for folder, _, names in os.walk(entry.path) for name in names)
    return max((os.lstat(path).st_mtime for path in inside), default=0.0)


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path, ignore_errors=True)
        return
    with suppress(OSError):  # another one was quicker, or may not be removed
        os.unlink(entry.path)  # noqa: PTH108
