"""The batches of an account that may still hold tokens: listed whole once, and then what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.steps.look.batch_looks import oldest_alive

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.client.sync_client import Client


class LiveBatches:
    """What one process has listed of them.

    :param lag: after how many seconds the list shows a batch at the latest.
    """

    def __init__(self, client: Client, lag: float) -> None:
        self._client, self._lag = client, lag
        self._by_id: dict[str, Batch] = {}
        self._listed_at: float | None = None

    def listed(self) -> Collection[Batch]:
        """List all; raises what the client does."""
        self._by_id, self._listed_at = {}, None
        return self.with_new()

    def with_new(self) -> Collection[Batch]:
        """List those that were made since, beside the ones known; of these some may have ended meanwhile."""
        now = self._client.now()
        oldest = oldest_alive(now) if self._listed_at is None else self._listed_at - self._lag
        self._by_id |= {batch.id: batch for batch in self._client.list_back_to(oldest)}
        self._listed_at = now
        return self._by_id.values()
