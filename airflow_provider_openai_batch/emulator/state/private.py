"""Files and folders that only their owner reads: they hold rows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO, cast

if TYPE_CHECKING:
    from pathlib import Path

FILE, FOLDER = 0o600, 0o700


def make_folder(path: Path) -> None:
    """Make a folder; one that is there keeps its rights."""
    path.mkdir(parents=True, exist_ok=True, mode=FOLDER)


def opened(path: Path, mode: str, **options: Any) -> BinaryIO:
    """Open a file that is made here, whatever the process lets others read."""
    return cast("BinaryIO", open(path, mode, opener=_opener, **options))


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags, FILE)
