"""Shards go up while earlier ones are created; what is not sent then is deleted."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.client.transfers import MOST_AHEAD
from airflow_provider_openai_batch.steps.wait.upload import (
    delete_unsent,
    may_have_acted,
    move_up,
    require_ours,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_openai_batch.batch.api.objects import InputFile, Refused
    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.client.transfers import Transfer
    from airflow_provider_openai_batch.steps.wait.create_batch import Sender


class UploadsAhead:
    """The uploads of the shards that a sender is about to send, some of them before their turn.

    A small one goes up in its turn, without a thread, and so does one alone. After a create that did not
    become a batch, the others wait until one does: else each look would upload what is deleted again.
    """

    def __init__(self, sender: Sender, shards: Sequence[Shard], *, is_careful: bool = False) -> None:
        self._sender, self._is_careful = sender, is_careful
        least = sender.client.transfers.least
        large = [shard for shard in shards if shard.about.bytes >= least] if len(shards) > 1 else []
        self._waiting = {shard.id: shard for shard in large}
        self._begun: dict[str, tuple[Shard, Transfer[InputFile | Refused]]] = {}

    def begin(self) -> None:
        """Begin the next ones, unless one has failed: whether to leave the API alone is seen in its turn."""
        if self._is_careful and not self._sender.created:
            return
        while self._waiting and len(self._begun) < MOST_AHEAD and not self._has_failed():
            shard = self._waiting.pop(next(iter(self._waiting)))
            move = partial(move_up, self._sender.journal.store, self._sender.client, shard)
            try:
                self._begun[shard.id] = shard, self._sender.client.transfers.begin(move)
            except BaseException:
                self._sender.journal.upload_unclear()
                raise

    def upload(self, shard: Shard) -> InputFile | Refused:
        """Upload a shard, or wait for its upload that has begun; those after it go up meanwhile."""
        self._waiting.pop(shard.id, None)
        if shard.id not in self._begun:
            return move_up(self._sender.journal.store, self._sender.client, shard)
        uploaded = self._begun.pop(shard.id)[1].result()
        self.begin()
        return uploaded

    def delete_unsent(self) -> None:
        """Delete what has gone up and was not sent; nothing more is begun."""
        self._waiting.clear()
        try:
            while self._begun:
                shard, transfer = next(iter(self._begun.values()))
                self._delete(shard, transfer)
                del self._begun[shard.id]
        except BaseException:
            self.note_unsent()
            raise

    def note_unsent(self) -> None:
        """Write down that there may be files which no intent names."""
        if self._begun:
            self._sender.journal.upload_unclear()

    def _has_failed(self) -> bool:
        return any(transfer.error is not None for _, transfer in self._begun.values())

    def _delete(self, shard: Shard, transfer: Transfer[InputFile | Refused]) -> None:
        journal, client = self._sender.journal, self._sender.client
        try:
            uploaded = transfer.result()
            require_ours(journal.store, client, shard, uploaded, self._sender.files)
        except Exception as error:  # noqa: BLE001 - the shard is sent at another time
            if may_have_acted(error):
                journal.upload_unclear()
            return
        delete_unsent(journal, client, uploaded)


@contextmanager
def uploads_ahead(sender: Sender, run: Run, shards: Sequence[Shard]) -> Iterator[UploadsAhead]:
    """Lend the uploads of these shards; those that are not sent when the block ends are deleted."""
    is_careful = any(send.refusals or (send.open and send.batch is None) for send in run.sends)
    ahead = UploadsAhead(sender, shards, is_careful=is_careful)
    try:
        yield ahead
    except Exception:
        ahead.delete_unsent()
        raise
    except BaseException:  # the task is being stopped: it does not wait for the API
        ahead.note_unsent()
        raise
    ahead.delete_unsent()
