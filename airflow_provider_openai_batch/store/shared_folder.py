"""A folder that many processes write small files into, and from which a file may go."""

from __future__ import annotations

import os
from contextlib import suppress

from airflow_provider_openai_batch.store.run_store import RunStore


class SharedFolder(RunStore):
    """Files that are written once, in folders that are listed one by one; one that went may come again."""

    def folders(self, below: str) -> list[str]:
        """Return the names of the folders right below a folder, in order. Costs one listing."""
        top = self._path(below).rstrip("/")
        try:
            if self._local:
                with os.scandir(top) as entries:
                    return sorted(entry.name for entry in entries if entry.is_dir())
            self._fs.invalidate_cache(top)
            listed = self._fs.ls(top, detail=True)
        except FileNotFoundError:
            return []
        found = (str(one["name"]).rstrip("/") for one in listed if one["type"] == "directory")
        return sorted(name.rpartition("/")[2] for name in found if name != top)

    def remove(self, name: str) -> None:
        """Delete a file, if it is there, and its folder, if that is empty then."""
        path = self._path(name)
        with suppress(FileNotFoundError):
            self._fs.rm_file(path)
        if self._local:
            with suppress(OSError):  # not empty
                os.rmdir(path.rpartition("/")[0])  # noqa: PTH106
