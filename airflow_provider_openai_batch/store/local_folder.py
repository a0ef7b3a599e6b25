"""A run folder on a disk: what is in it, and what must not stay."""

from __future__ import annotations

import os
from contextlib import suppress

UNFINISHED = ".unfinished-"


def tidy(root: str) -> None:
    """Remove what no writer finished, and folders that are empty."""
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            if name.startswith(UNFINISHED) or name.endswith(UNFINISHED):
                with suppress(FileNotFoundError):
                    os.unlink(f"{folder}/{name}")  # noqa: PTH108
        with suppress(OSError):  # not empty
            os.rmdir(folder)  # noqa: PTH106


def walk(folder: str, found: list[str]) -> None:
    """Add the paths of all files below a folder; a folder that is a link is not entered."""
    with os.scandir(folder) as entries:
        folders = []
        for entry in entries:
            if not entry.is_dir():
                found.append(entry.path)
            elif not entry.is_symlink():
                folders.append(entry.path)
    for inner in folders:
        walk(inner, found)


def sync_folder(path: str) -> None:
    """Write a folder's own entry to the disk."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
