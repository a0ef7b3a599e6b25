"""The calls of the Batch API that waiting needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai

from airflow_provider_openai_batch.api_answers import NO_ROUTE, SERVER_ERROR, origin_of
from airflow_provider_openai_batch.batch.api import Batch, Gone, read_batch
from airflow_provider_openai_batch.batch.api_time import ApiTime
from airflow_provider_openai_batch.batch.paging import Paging

if TYPE_CHECKING:
    from collections.abc import Mapping


class AsyncClient:
    """The asynchronous calls, which do not block an event loop."""

    def __init__(self, api: openai.AsyncOpenAI, token_budgets: Mapping[str, int] | None = None) -> None:
        self._api = api
        self.token_budgets = token_budgets or {}
        self._time = ApiTime()
        self.origin = origin_of(api)

    def now(self) -> float:
        """Return the API time in seconds since 1970."""
        return self._time.now()

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def tick(self) -> None:
        """Learn the API time where no batch is to be looked at; any answer tells it."""
        try:
            answer = await self._api.batches.with_raw_response.list(limit=1)
        except openai.APIStatusError as error:
            self._time.see(error.response.headers)
            is_out = error.status_code >= SERVER_ERROR and error.status_code not in NO_ROUTE
            if is_out or error.status_code in {401, 403, 429}:
                raise
        else:
            self._time.see(answer.headers)

    async def list_back_to(self, oldest: float) -> list[Batch]:
        """Return batches, newest first, back to those that are older than `oldest` (API time)."""
        paging = Paging(oldest)
        found: list[Batch] = []
        while paging.more:
            answer = await self._api.batches.with_raw_response.list(**paging.query)
            self._time.see(answer.headers)
            found += paging.take(answer.content)
        return found

    async def retrieve(self, batch_id: str) -> Batch | Gone:
        """Look at one batch."""
        try:
            answer = await self._api.batches.with_raw_response.retrieve(batch_id)
        except openai.APIStatusError as error:
            self._time.see(error.response.headers)
            if not isinstance(error, openai.NotFoundError):
                raise
            return Gone()
        self._time.see(answer.headers)
        return read_batch(answer.content)
