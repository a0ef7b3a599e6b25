"""The live batches of an account, listed once a minute for all runs that wait for room in a token queue."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.decisions.token_queue import last_ended
from airflow_provider_openai_batch.steps.look.batch_looks import oldest_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.client.async_client import AsyncClient

#: For how many seconds a listing counts. Before a batch is created, its process counts for itself.
LIFE = 60.0


class SharedLiveBatches:
    """What the list of one connection has shown lately to hold tokens.

    `elapsed` is the loop's clock.
    """

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._batches: Sequence[Batch] = ()
        self._until: float | None = None
        self._reading: asyncio.Task[Sequence[Batch]] | None = None

    async def listed(self, client: AsyncClient) -> Sequence[Batch]:
        """Return the live batches, and of each model the one that ended last.

        Raises what the client does, to all who wait for that listing.
        """
        if self._until is not None and self._elapsed() < self._until:
            return self._batches
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(client))
        return await asyncio.shield(self._reading)

    def stop(self) -> None:
        """Read no more."""
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self, client: AsyncClient) -> Sequence[Batch]:
        asked_at = self._elapsed()
        try:
            listed = await client.list_back_to(oldest_alive(client.now()))
            live = [batch for batch in listed if not batch.status.ended]
            self._batches = (*live, *last_ended(listed, client.now()).values())
            self._until = asked_at + LIFE
            return self._batches
        finally:
            self._reading = None
