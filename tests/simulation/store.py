"""The run's folder in memory: names that keep their first content, each call a point of the schedule."""

from __future__ import annotations

import atexit
import hashlib
import io
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from airflow_provider_openai_batch.store.run_store import RunStore
from tests.world.pipeline import RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.simulation.processes import Process

URI = f"memory://runs/{RUN}"
SCRATCH = Path(tempfile.mkdtemp(prefix="simulation-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)


class MemoryDraft:
    """A file that has no name yet."""

    def __init__(self, publish: Callable[[str, bytes], bool]) -> None:
        self.file: Any = tempfile.TemporaryFile(dir=SCRATCH)  # noqa: SIM115 - it has a number, as a real one
        self._publish = publish

    def publish(self, name: str) -> bool:
        """Give the file its name, whole; False where another writer was first."""
        self.file.seek(0)
        return self._publish(name, self.file.read())


class MemoryStore(RunStore):
    """One process's view of the folder that all processes share."""

    def __init__(self, process: Process) -> None:
        self.uri = URI
        self._process, self._world = process, process.world
        self._facts = self._listed = self._put = self._followers = None
        self._packed = b""

    def list(self, below: str = "") -> frozenset[str]:
        """Return all names, or those in a folder, as they are when the call is made."""
        self._process.point(f"list {below or 'the folder'}", 0.1)
        found = frozenset(name for name in self._world.folder if name.startswith(below))
        if not below:
            self._listed = found
        return found

    def exists(self, name: str) -> bool:
        """Tell whether the file is there."""
        self._process.point(f"is {name} there", 0.1)
        return name in self._world.folder

    def get(self, name: str, kind: type[Any]) -> Any:
        """Read a fact; it never changes, so that it matters not when."""
        return self.once(
            f"{kind.__name__}:{name}", lambda: msgspec.json.decode(self._world.folder[name], type=kind)
        )

    def nonce(self) -> str:
        """Return a word that is the same in each repetition of the schedule."""
        self._process.nonces += 1
        word = f"{self._world.scenario.salt}/{self._process.name}/{self._process.nonces}"
        return hashlib.sha256(word.encode()).hexdigest()[:8]

    @contextmanager
    def draft(self) -> Iterator[Any]:
        """Open a file that gets its name later."""
        draft = MemoryDraft(self._write)
        with draft.file:
            yield draft

    @contextmanager
    def local(self, name: str) -> Iterator[str]:
        """Give the file as a path."""
        content = self._world.folder[name]
        path = SCRATCH / hashlib.sha256(content).hexdigest()
        if not path.exists():
            path.write_bytes(content)
        yield str(path)

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""
        return io.BytesIO(self._world.folder[name])

    def _write(self, name: str, content: bytes) -> bool:
        self._process.point(f"write {name}", 0.1)
        way = self._world.choose("put", self._process.name)
        if way == "fails":
            raise OSError(f"the storage did not take {name}")
        is_ours = name not in self._world.folder
        if is_ours:
            self._world.folder[name] = content
            self._world.tell(self._process.name, f"writes {name}")
        if way:
            raise OSError(f"the storage did not answer about {name}")
        self._has_put(name, is_own=is_ours)
        return is_ours
