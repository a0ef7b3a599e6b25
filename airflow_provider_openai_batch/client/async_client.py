"""The calls of the Batch API that waiting needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai

from airflow_provider_openai_batch.batch.api.objects import Batch, Gone, read_batch
from airflow_provider_openai_batch.batch.api.paging import Paging
from airflow_provider_openai_batch.batch.api.status_codes import LEAVE_ALONE, NO_ROUTE, SERVER_ERROR
from airflow_provider_openai_batch.client.api_answers import origin_of, require_id
from airflow_provider_openai_batch.client.api_clock import AsyncApiClock, machine_time
from airflow_provider_openai_batch.client.in_thread import in_thread
from airflow_provider_openai_batch.client.same_origin import guarded_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping


class AsyncClient:
    """The asynchronous calls, which do not block an event loop."""

    def __init__(self, api: openai.AsyncOpenAI, token_budgets: Mapping[str, int] | None = None) -> None:
        self._api = guarded_async(api)
        self.token_budgets = token_budgets or {}
        self._clock = AsyncApiClock(api, machine_time())
        self.origin = origin_of(api)

    def now(self) -> float:
        """Return the API time in seconds since 1970."""
        return self._clock.now()

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def tick(self) -> None:
        """Learn the API time if there is no batch to look at; any answer has it."""
        try:
            answer = await self._api.batches.with_raw_response.list(limit=1)
        except openai.APIStatusError as error:
            await self._clock.see(error.response)
            is_out = error.status_code >= SERVER_ERROR and error.status_code not in NO_ROUTE
            if is_out or error.status_code in LEAVE_ALONE:
                raise
        else:
            await self._clock.see(answer)

    async def list_back_to(self, oldest: float, most_pages: int | None = None) -> list[Batch]:
        """Return batches, newest first, back to those that are older than `oldest`, or of so many pages."""
        return [batch async for page in self.pages_back_to(oldest, most_pages) for batch in page]

    async def pages_back_to(
        self, oldest: float, most_pages: int | None = None, wanted: Callable[[str], bool] | None = None
    ) -> AsyncGenerator[tuple[Batch, ...], None]:
        """Yield the same page by page; only those whose ids are wanted, as a thread asks."""
        paging = Paging(oldest, most_pages)
        while paging.more:
            answer = await self._api.batches.with_raw_response.list(**paging.query)
            await self._clock.see(answer)
            # A page of a hundred batches takes some milliseconds.
            yield await in_thread(paging.take, answer.content, wanted)
        paging.require_whole()

    async def retrieve(self, batch_id: str) -> Batch | Gone:
        """Look at one batch."""
        try:
            answer = await self._api.batches.with_raw_response.retrieve(batch_id)
        except openai.APIStatusError as error:
            await self._clock.see(error.response)
            if not isinstance(error, openai.NotFoundError):
                raise
            return Gone()
        await self._clock.see(answer)
        batch = read_batch(answer.content)
        require_id("batch", batch_id, batch.id)
        return batch
