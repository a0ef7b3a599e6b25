"""Look at a run without a worker: read it and the API, decide, and do nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import openai

from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.batch.run.decide import Due, Settings, Wait
from airflow_provider_openai_batch.steps.run_folder.read import read_queue, read_run
from airflow_provider_openai_batch.steps.wait.sight import (
    DENIED,
    UNSEEN,
    Looked,
    Sight,
    models_left,
    needs_time,
    oldest_alive,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.batch.run.token_queue import TokenQueue
    from airflow_provider_openai_batch.client.sync_client import AsyncClient
    from airflow_provider_openai_batch.store.run_store import RunStore

MOST_LOOKS_AT_ONCE = 50


async def look(store: RunStore, client: AsyncClient, settings: Settings) -> Looked:
    """Read the run and the API, and decide, without doing or writing anything."""
    run = await asyncio.to_thread(read_run, store, client.origin)
    queue = await asyncio.to_thread(read_queue, store, run)
    sight = Sight(client.now, settings, client.token_budgets)
    await _look_at(client, sight, sight.unlooked(run))
    is_blind = sight.has_missed_all
    if not sight.looks and needs_time(run, queue):
        is_blind = not await _sees_time(client, sight)
    if is_blind or sight.is_to_rest:
        progress = sight.progress(run, queue, sight.tokens(run, None))
        return Looked(step=Wait(client.now(), rest=sight.rest), progress=progress)
    tokens = await _tokens(client, sight, run, models_left(run, queue))
    plan = sight.plan(run, queue, tokens)
    step = Due() if plan.actions else plan.step
    return Looked(step=step, progress=sight.progress(run, queue, tokens))


async def _look_at(client: AsyncClient, sight: Sight, batches: Iterable[Batch]) -> None:
    """Look at all batches, some at once; once the API asks to be left alone, at no more."""
    gate = asyncio.Semaphore(MOST_LOOKS_AT_ONCE)

    async def look_at(batch: Batch) -> None:
        async with gate:
            if sight.is_to_rest:
                sight.missed(batch)
                return
            try:
                sight.saw(batch, await client.retrieve(batch.id))
            except DENIED:
                raise
            except UNSEEN as error:
                sight.missed(batch, error)

    await asyncio.gather(*map(look_at, batches))


async def _sees_time(client: AsyncClient, sight: Sight) -> bool:
    """Learn the API time; False where it cannot be read now."""
    try:
        await client.tick()
    except DENIED:
        raise
    except openai.OpenAIError as error:
        sight.take_rest(error)
        return False
    return True


async def _tokens(client: AsyncClient, sight: Sight, run: Run, models: set[str]) -> TokenQueue:
    """Count the tokens of our live batches if a budget asks for it, and as far as they are listed."""
    if not sight.is_counted(run, models):
        return sight.tokens(run, None)
    try:
        return sight.tokens(run, await client.list_back_to(oldest_alive(client.now())))
    except DENIED:
        raise
    except (openai.OpenAIError, ListFailed):
        return sight.tokens(run, None)
