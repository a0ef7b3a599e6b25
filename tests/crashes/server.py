"""The emulator that the crash points of a campaign share, a fresh one now and then."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from tests.crashes.laws import Bill
from tests.crashes.stories import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_openai_batch.pytest_plugin import Execution
    from tests.crashes.stories import Story

#: A run looks 30 days back and takes about one: the list stays short.
RUNS_PER_SERVER = 15


class Server:
    """One emulator at a time; each run is billed apart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs = 0
        self._emulator: OpenAIBatchEmulator | None = None
        self._batches: set[str] = set()
        self._files: set[str] = set()

    @property
    def url(self) -> str:
        """The API's address."""
        assert self._emulator is not None
        return self._emulator.base_url

    def begin(self, story: Story = PLAIN) -> None:
        """Begin a run, which its story's faults meet."""
        if self._runs % RUNS_PER_SERVER == 0:
            self.renew()
        self._runs += 1
        emulator = self._emulator
        assert emulator is not None
        emulator.clear_faults()
        for name, options in story.faults:
            emulator.fault(name, **options)
        self._batches = {batch["id"] for batch in emulator.batches()}
        self._files = {file["id"] for file in emulator.files()}
        self._at_once = len(at_once(emulator))

    def bill(self) -> Bill:
        """Say what was done since the run began, all batches run to their end."""
        emulator = self._emulator
        assert emulator is not None
        batches = [batch for batch in emulator.batches() if batch["id"] not in self._batches]
        ours = {batch["id"] for batch in batches}
        alone = Counter(map(question, at_once(emulator)[self._at_once :]))
        batched = Counter(question(entry) for entry in emulator.ledger if entry.batch_id in ours)
        files = [file for file in emulator.files() if not self._is_old(file)]
        return Bill(batches=batches, executions=batched + alone, at_once=alone, files=files)

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


def at_once(emulator: OpenAIBatchEmulator) -> list[Execution]:
    """Return what was executed without a batch, in its order."""
    return [entry for entry in emulator.ledger if entry.batch_id is None]


def question(entry: Execution) -> str:
    """Return what was asked, which is the same at once and in a batch."""
    return str(entry.body["messages"][-1]["content"])


@contextmanager
def opened_server(folder: Path) -> Iterator[Server]:
    """Lend a server."""
    server = Server(folder)
    server.renew()
    try:
        yield server
    finally:
        server.stop()
