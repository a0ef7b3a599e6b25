"""Shards go up while earlier ones are created; what is not sent then is deleted."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.client.transfers import MOST_AHEAD
from airflow_provider_openai_batch.steps.wait.begun_uploads import BegunUploads
from airflow_provider_openai_batch.steps.wait.upload import move_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_openai_batch.batch.api.objects import InputFile, Refused
    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.steps.wait.create_batch import Sender
    from airflow_provider_openai_batch.steps.wait.early_uploads import EarlyUploads


class UploadsAhead:
    """The uploads of the shards that a sender is about to send, some of them before their turn.

    A small one goes up in its turn, without a thread, and so does one alone. After a create that did not
    become a batch, the others wait until one does: else each look would upload what is deleted again.

    :param early: what has gone up while the rows were staged.
    """

    def __init__(
        self,
        sender: Sender,
        shards: Sequence[Shard],
        early: EarlyUploads | None = None,
        *,
        is_careful: bool = False,
    ) -> None:
        self._sender, self._early, self._is_careful = sender, early, is_careful
        least = sender.client.transfers.least
        large = [shard for shard in shards if shard.about.bytes >= least] if len(shards) > 1 else []
        self._waiting = {shard.id: shard for shard in large if early is None or shard.id not in early}
        self.begun = BegunUploads(sender.journal, sender.client, lambda: sender.files)

    def begin(self) -> None:
        """Begin the next ones, unless one has failed."""
        if self._is_careful and not self._sender.created:
            return
        before = 0 if self._early is None else self._early.moving
        while self._waiting and len(self.begun) + before < MOST_AHEAD and not self.begun.have_failed:
            self.begun.begin(self._waiting.pop(next(iter(self._waiting))))

    def upload(self, shard: Shard) -> InputFile | Refused:
        """Upload a shard, or wait for its upload that has begun; those after it go up meanwhile."""
        self._waiting.pop(shard.id, None)
        if self._early is not None and self._early.has_fresh(shard):
            return self._early.take(shard)
        if shard.id not in self.begun:
            return move_up(self._sender.journal.store, self._sender.client, shard)
        uploaded = self.begun.take(shard)
        self.begin()
        return uploaded


@contextmanager
def uploads_ahead(
    sender: Sender, run: Run, shards: Sequence[Shard], early: EarlyUploads | None = None
) -> Iterator[UploadsAhead]:
    """Lend the uploads of these shards; those that are not sent when the block ends are deleted."""
    is_careful = any(send.refusals or (send.open and send.batch is None) for send in run.sends)
    ahead = UploadsAhead(sender, shards, early, is_careful=is_careful)
    with ahead.begun.none_left():
        yield ahead
