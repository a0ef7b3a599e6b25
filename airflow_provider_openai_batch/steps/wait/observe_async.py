"""Look at a run without a worker: read it and the API, decide, and do nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import openai

from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.batch.run.decide import (
    Due,
    Finish,
    GiveUp,
    Look,
    Moment,
    Settings,
    Unreachable,
    Wait,
    decide,
)
from airflow_provider_openai_batch.batch.run.token_queue import TokenQueue, enqueued, is_counted
from airflow_provider_openai_batch.steps.run_folder.read import read_queue, read_run
from airflow_provider_openai_batch.steps.wait.observe import (
    DENIED,
    LONGEST_LIFE,
    models_left,
    needs_time,
    unlooked,
)
from airflow_provider_openai_batch.steps.wait.retry_after import rest_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.client.sync_client import AsyncClient
    from airflow_provider_openai_batch.store.run_store import RunStore

MOST_LOOKS_AT_ONCE = 50


async def look(store: RunStore, client: AsyncClient, settings: Settings) -> Wait | Finish | GiveUp | Due:
    """Read the run and the API, and decide, without doing or writing anything."""
    run = await asyncio.to_thread(read_run, store, client.origin)
    queue = await asyncio.to_thread(read_queue, store, run)
    glance = _Glance(client)
    looks = await glance.at(unlooked(run, {}))
    if not looks and needs_time(run, queue):
        await glance.at_time()
    if glance.is_blind or glance.rest > client.now():
        return Wait(client.now(), rest=glance.rest)
    tokens = await _tokens(client, run, looks, models_left(run, queue))
    moment = Moment(looks=looks, now=client.now(), settings=settings, tokens=tokens)
    plan = decide(run, queue, moment)
    return Due() if plan.actions else plan.step


class _Glance:
    """The calls of one look; once the API asks to be left alone, no more are made."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._gate = asyncio.Semaphore(MOST_LOOKS_AT_ONCE)
        self.is_blind = False
        self.rest = 0.0

    async def at(self, batches: list[Batch]) -> dict[str, Look]:
        """Look at all batches, some at once."""
        looks = dict(await asyncio.gather(*(self._at_one(batch) for batch in batches)))
        self.is_blind = bool(looks) and all(isinstance(seen, Unreachable) for seen in looks.values())
        return looks

    async def at_time(self) -> None:
        """Learn the API time."""
        try:
            await self._client.tick()
        except DENIED:
            raise
        except openai.OpenAIError as error:
            self.is_blind = True
            self._take_rest(error)

    async def _at_one(self, batch: Batch) -> tuple[str, Look]:
        async with self._gate:
            if self.rest > self._client.now():
                return batch.id, Unreachable("Retry-After")
            try:
                return batch.id, await self._client.retrieve(batch.id)
            except DENIED:
                raise
            except (openai.OpenAIError, msgspec.MsgspecError) as error:
                self._take_rest(error)
                return batch.id, Unreachable(type(error).__name__)

    def _take_rest(self, error: Exception) -> None:
        if seconds := rest_after(error):
            self.rest = max(self.rest, self._client.now() + seconds)


async def _tokens(client: AsyncClient, run: Run, looks: Mapping[str, Look], models: set[str]) -> TokenQueue:
    """Count the tokens of our live batches if a budget asks for it, and as far as they are listed."""
    uncounted = TokenQueue(budgets=client.token_budgets)
    if not is_counted(run, models, client.token_budgets):
        return uncounted
    try:
        listed = await client.list_back_to(client.now() - LONGEST_LIFE)
    except DENIED:
        raise
    except (openai.OpenAIError, ListFailed):
        return uncounted
    return TokenQueue(budgets=client.token_budgets, enqueued=enqueued(run, looks, listed, client.now()))
