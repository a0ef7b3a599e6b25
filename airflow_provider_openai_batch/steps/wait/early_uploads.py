"""Shards go up while later ones are staged: that is free, and no batch is made of them before all are."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.run.run import Shard
from airflow_provider_openai_batch.client.transfers import MOST_AHEAD
from airflow_provider_openai_batch.steps.run_folder.journal import Journal
from airflow_provider_openai_batch.steps.run_folder.read import about_shard, file_ids, recall_run
from airflow_provider_openai_batch.steps.wait.begun_uploads import BegunUploads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.api.objects import InputFile, Refused
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.store.run_store import RunStore

#: So many shards go up before the rows are staged; where the account's queue is short, most would be deleted.
MOST_EARLY = 16
#: Seconds after which a file is uploaded anew: the times of a file and of its create are to agree.
FRESH = 240.0


class EarlyUploads:
    """The uploads of shards whose snapshot is not complete yet.

    Before the first one it is written down that there may be files which no intent names: a process that is
    killed leaves some, and load looks for them.
    """

    def __init__(self, store: RunStore, client: Client) -> None:
        self._store, self._client = store, client
        self._journal = Journal(store, client.now)
        self.begun = BegunUploads(self._journal, client, self._known)
        self._waiting: deque[Shard] = deque()
        self._times: dict[str, float] = {}

    def __contains__(self, shard_id: str) -> bool:
        return shard_id in self.begun

    @property
    def moving(self) -> int:
        """Return how many have not ended."""
        return self.begun.moving

    def offer(self, shard_id: str) -> None:
        """Take a shard that has just been written, to begin its upload as soon as others have ended.

        Rows that take longer than a file stays fresh are what submit waits for, not the uploads.
        """
        shard = Shard(id=shard_id, about=about_shard(self._store, shard_id))
        if not shard.about.preflight and shard.about.bytes >= self._client.transfers.least:
            self._waiting.append(shard)
        while self._waiting and self._has_room():
            self._begin(self._waiting.popleft())

    def _begin(self, shard: Shard) -> None:
        if not self._times:
            self._journal.upload_unclear()
        self._times[shard.id] = self._client.now()
        self.begun.begin(shard)

    def has_fresh(self, shard: Shard) -> bool:
        """Tell whether the shard has gone up, or goes up; what did so long ago is deleted."""
        if shard.id not in self.begun:
            return False
        if not self._is_stale(shard.id):
            return True
        self.begun.delete(shard.id)
        return False

    def take(self, shard: Shard) -> InputFile | Refused:
        """Wait for the upload of a shard; from now on the caller answers for its file."""
        return self.begun.take(shard)

    def _has_room(self) -> bool:
        if self.begun.have_failed or len(self._times) >= MOST_EARLY or self.begun.moving >= MOST_AHEAD:
            return False
        return not any(map(self._is_stale, self._times))

    def _is_stale(self, shard_id: str) -> bool:
        return abs(self._client.now() - self._times[shard_id]) > FRESH

    def _known(self) -> frozenset[str]:
        return file_ids(recall_run(self._store, self._client.origin).sends)


@contextmanager
def early_uploads(store: RunStore, client: Client) -> Iterator[EarlyUploads]:
    """Lend uploads that begin while rows are staged; what is not sent when the block ends is deleted."""
    early = EarlyUploads(store, client)
    with early.begun.none_left():
        yield early
