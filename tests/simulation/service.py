"""The server: its files and batches by project, and the ledger of what it executed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.batch.api.objects import Refused
from airflow_provider_openai_batch.batch.api.sync_call import SyncAnswer
from tests.simulation.batches import RemoteBatch, answer

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass(slots=True)
class RemoteFile:
    """A file on the server."""

    id: str
    project: str
    content: bytes
    created_at: float
    by: str
    name: str = ""
    deleted_at: float | None = None


class _Line(msgspec.Struct):
    custom_id: str
    body: msgspec.Raw


_read_line = msgspec.json.Decoder(_Line).decode


class Service:
    """What the API holds; nothing here knows of the run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.files: dict[str, RemoteFile] = {}
        self.batches: dict[str, RemoteBatch] = {}

    def upload(self, project: str, content: bytes, by: str, name: str = "") -> RemoteFile:
        """Store a file."""
        made = RemoteFile(f"file-{len(self.files) + 1}", project, content, self._world.now, by, name)
        self.files[made.id] = made
        self._world.tell(by, f"{made.id} exists")
        return made

    def file(self, project: str, file_id: str) -> RemoteFile | None:
        """Find a file that the project sees."""
        found = self.files.get(file_id)
        if found is None or found.project != project:
            return None
        return None if found.deleted_at is not None else found

    def delete(self, project: str, file_id: str, by: str) -> bool:
        """Delete a file; False when the project sees none."""
        found = self.file(project, file_id)
        if found is None:
            return False
        found.deleted_at = self._world.now
        self._world.tell(by, f"{file_id} is deleted")
        return True

    def create(self, project: str, file_id: str, metadata: dict[str, str], by: str) -> RemoteBatch | Refused:
        """Create a batch, unless its file is gone."""
        found = self.files[file_id] if self._world.scenario.fenceless else self.file(project, file_id)
        if found is None:
            self._world.tell(by, f"a create on {file_id} is refused, for the file is gone")
            return Refused(status=400, message=f"Cannot find file {file_id}.")
        lines = [_read_line(line) for line in found.content.splitlines()]
        bodies = {line.custom_id: bytes(line.body) for line in lines}
        made = RemoteBatch(self._world, f"batch-{len(self.batches) + 1}", found, (metadata, bodies))
        self.batches[made.id] = made
        self._world.tell(by, f"{made.id} exists on {file_id} with {len(bodies)} requests")
        self._world.watch.batch_made(made)
        made.start()
        return made

    def ask(self, custom_id: str, body: bytes, asked_at: float, *, fails: bool = False) -> SyncAnswer:
        """Answer a request at once."""
        self._world.tell("the server", f"answers {custom_id[:6]} at once")
        self._world.watch.answered(custom_id, asked_at, "bad_request" if fails else "")
        if fails:
            error = {"code": "context_length_exceeded", "message": "It is too long."}
            return SyncAnswer(status=400, request_id="r", body={"error": error})
        return SyncAnswer(status=200, request_id="r", body=answer(body, tokens=self._world.scenario.tokens))

    def find(self, project: str, batch_id: str) -> RemoteBatch | None:
        """Find a batch that the project sees."""
        found = self.batches.get(batch_id)
        return found if found and found.project == project and found.seen_at <= self._world.now else None

    def listed(self, project: str) -> list[RemoteBatch]:
        """Return the project's batches, newest first, without those that the list does not show yet."""
        now = self._world.now
        shown = [b for b in self.batches.values() if b.project == project and b.listed_at <= now]
        return sorted(shown, key=lambda batch: (batch.created_at, len(batch.id), batch.id), reverse=True)
