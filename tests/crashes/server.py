"""The emulator that the crash points of a campaign share, a fresh one now and then."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from tests.crashes.stories import PLAIN
from tests.world.ledger import Books, Stood

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_openai_batch.store.run_store import RunStore
    from tests.crashes.stories import Story

#: A run looks 30 days back and takes about one: the list stays short.
RUNS_PER_SERVER = 15


class Server:
    """One emulator at a time; each run is billed apart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs = 0
        self._emulator: OpenAIBatchEmulator | None = None
        self._story = PLAIN
        self._batches = frozenset[str]()
        self._files = frozenset[str]()
        self._calls = 0

    @property
    def emulator(self) -> OpenAIBatchEmulator:
        """Return the emulator that runs now."""
        assert self._emulator is not None
        return self._emulator

    def begin(self, story: Story = PLAIN) -> None:
        """Begin a run, which its story's faults meet."""
        if self._runs % RUNS_PER_SERVER == 0:
            self.renew()
        self._runs += 1
        self._story, emulator = story, self.emulator
        emulator.clear_faults()
        for name, options in story.faults:
            emulator.fault(name, **options)
        self._batches = frozenset(batch["id"] for batch in emulator.batches())
        self._files = frozenset(file["id"] for file in emulator.files())
        self._calls = self.calls

    @property
    def calls(self) -> int:
        """Return how many synchronous calls were executed, also in runs before."""
        return sum(entry.batch_id is None for entry in self.emulator.ledger)

    def books(self, store: RunStore, stood: Stood | None = None) -> Books:
        """Open the books of what was done since the run began."""
        return Books(
            emulator=self.emulator,
            store=store,
            labels=True,
            may_lose=self._story.again > 0,
            batches_before=self._batches,
            calls_before=self._calls,
            stood=stood,
        )

    def files(self) -> list[dict[str, Any]]:
        """Return the files of the run that the server still holds."""
        return [file for file in self.emulator.files() if not self._is_old(file)]

    def _is_old(self, file: dict[str, Any]) -> bool:
        """Tell whether a file was there before, or is of a batch that was."""
        return file["id"] in self._files or file["filename"].rpartition("_")[0] in self._batches

    def renew(self) -> None:
        """Stop the emulator, forget it, and start another one."""
        self.stop()
        data = self._folder / f"emulator-{self._runs}"
        self._emulator = OpenAIBatchEmulator(data, seconds_to_complete=600)
        self._emulator.start()
        self._data = data

    def stop(self) -> None:
        """Stop the emulator."""
        if self._emulator is not None:
            self._emulator.stop()
            shutil.rmtree(self._data)
            self._emulator = None


@contextmanager
def opened_server(folder: Path) -> Iterator[Server]:
    """Lend a server."""
    server = Server(folder)
    server.renew()
    try:
        yield server
    finally:
        server.stop()
