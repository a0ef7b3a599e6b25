"""Uploads that have begun before their turn; a file that is not sent in the end does not stay."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.steps.wait.upload import (
    delete_unsent,
    may_have_acted,
    move_up,
    require_ours,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    from airflow_provider_openai_batch.batch.api.objects import InputFile, Refused
    from airflow_provider_openai_batch.batch.run.run import Shard
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.client.transfers import Transfer
    from airflow_provider_openai_batch.steps.run_folder.journal import Journal


class BegunUploads:
    """The uploads that have begun, by shard, until somebody takes them.

    :param known: gives the files of earlier sends, which are not to be deleted whatever an upload answers.
    """

    def __init__(self, journal: Journal, client: Client, known: Callable[[], AbstractSet[str]]) -> None:
        self._journal, self._client, self._known = journal, client, known
        self._begun: dict[str, tuple[Shard, Transfer[InputFile | Refused]]] = {}

    def __len__(self) -> int:
        return len(self._begun)

    def __contains__(self, shard_id: str) -> bool:
        return shard_id in self._begun

    @property
    def have_failed(self) -> bool:
        """Tell whether one has: whether to leave the API alone is seen in its turn."""
        return any(transfer.error is not None for _, transfer in self._begun.values())

    @property
    def moving(self) -> int:
        """Return how many have not ended."""
        return sum(not transfer.has_ended for _, transfer in self._begun.values())

    def begin(self, shard: Shard) -> None:
        """Begin the upload of a shard."""
        move = partial(move_up, self._journal.store, self._client, shard)
        try:
            self._begun[shard.id] = shard, self._client.transfers.begin(move)
        except BaseException:
            self._journal.upload_unclear()
            raise

    def take(self, shard: Shard) -> InputFile | Refused:
        """Wait for the upload of a shard; from now on the caller answers for its file."""
        return self._begun.pop(shard.id)[1].result()

    def delete(self, shard_id: str) -> None:
        """Delete the file of a shard, once it has gone up."""
        shard, transfer = self._begun[shard_id]
        self._delete(shard, transfer)
        del self._begun[shard_id]

    @contextmanager
    def none_left(self) -> Iterator[None]:
        """Delete what has gone up and nobody has taken when the block ends."""
        try:
            yield
        except Exception:
            self._delete_all()
            raise
        except BaseException:  # the task is being stopped: it does not wait for the API
            self._note()
            raise
        self._delete_all()

    def _delete_all(self) -> None:
        try:
            while self._begun:
                self.delete(next(iter(self._begun)))
        except BaseException:
            self._note()
            raise

    def _note(self) -> None:
        """Write down that there may be files which no intent names."""
        if self._begun:
            self._journal.upload_unclear()

    def _delete(self, shard: Shard, transfer: Transfer[InputFile | Refused]) -> None:
        try:
            uploaded = transfer.result()
            require_ours(self._journal.store, self._client, shard, uploaded, self._known())
        except Exception as error:  # noqa: BLE001 - the shard is sent at another time
            if may_have_acted(error):
                self._journal.upload_unclear()
            return
        delete_unsent(self._journal, self._client, uploaded)
