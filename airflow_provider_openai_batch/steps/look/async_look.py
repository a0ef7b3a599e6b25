"""Look at a run without a worker: read it and the API, decide, and do nothing."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import openai

from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.batch.decisions.actions import Due, Wait
from airflow_provider_openai_batch.client.in_thread import in_thread
from airflow_provider_openai_batch.steps.look.api_errors import DENIED, UNSEEN
from airflow_provider_openai_batch.steps.look.batch_looks import (
    BatchLooks,
    Looked,
    models_left,
    needs_time,
    oldest_alive,
)
from airflow_provider_openai_batch.steps.look.listed_looks import FEW, has_its_turn, oldest_of, pages_for
from airflow_provider_openai_batch.steps.look.unchanged_run import (
    digest_of,
    names_digest,
    running,
    unchanged,
)
from airflow_provider_openai_batch.steps.look.waiting_facts import without_texts
from airflow_provider_openai_batch.steps.run_folder.read import read_queue, read_run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
    from airflow_provider_openai_batch.batch.decisions.remaining_requests import Queue
    from airflow_provider_openai_batch.batch.decisions.token_queue import TokenQueue
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.client.sync_client import AsyncClient
    from airflow_provider_openai_batch.steps.look.shared_list import SharedList
    from airflow_provider_openai_batch.steps.look.unchanged_run import Unchanged
    from airflow_provider_openai_batch.store.run_store import RunStore

MOST_LOOKS_AT_ONCE = 50


async def look(
    store: RunStore,
    client: AsyncClient,
    settings: Settings,
    shared: SharedList | None = None,
    before: Unchanged | None = None,
) -> Looked:
    """Read the run and the API, and decide, without doing or writing anything.

    :param shared: the list that many waiting runs share, of which each keeps little in memory between two
        looks; None: it is the only one.
    :param before: what the last look has found; if all is as it was, the run is not read and decided on anew.
    """
    looks = BatchLooks(client.now, settings, client.token_budgets)
    listed: list[Batch] | None = None
    if shared is not None and before is not None and _may_be_same(before, client, shared):
        names = await in_thread(_names, store)
        listed = shared.shown_of(client, before.batches, before.oldest)
        await _look_at(client, looks, _unlisted(before, listed, client.now()))
        if _is_same(before, names, looks, listed, client):
            progress = msgspec.structs.replace(before.progress, at=client.now())
            return Looked(step=Wait(before.until), progress=progress, unchanged=before)
    run, queue, names = await in_thread(_read, store, client.origin, rests=shared is not None)
    await _look_at_list(client, looks, run)
    if shared is not None:
        _look_at_shared(client, shared, looks, run, listed)
    await _look_at(client, looks, looks.unlooked(run))
    is_blind = looks.has_missed_all
    if not looks.by_batch and needs_time(run, queue):
        is_blind = not await _sees_time(client, looks)
    if is_blind or looks.is_to_rest:
        progress = looks.progress(run, queue, looks.tokens(run, None))
        return Looked(step=Wait(client.now(), rest=looks.rest), progress=progress)
    tokens = await _tokens(client, looks, run, models_left(run, queue), shared)
    if len(run.sends) > FEW:
        return await in_thread(_decided, looks, run, queue, tokens)
    looked = _decided(looks, run, queue, tokens)
    return replace(looked, unchanged=_of(looked.unchanged, client.origin, names, looks))


def _may_be_same(before: Unchanged, client: AsyncClient, shared: SharedList) -> bool:
    is_asked = shared.rest <= client.now()
    return is_asked and before.origin == client.origin and before.is_at(client.now())


def _names(store: RunStore) -> bytes:
    store.list()
    names = names_digest(store)
    store.rest(without_texts)
    return names


def _unlisted(before: Unchanged, listed: list[Batch], now: float) -> list[str]:
    """Return the batches that the list does not stand for, or is not to stand for now."""
    found = {batch.id for batch in listed if before.is_listed and not has_its_turn(batch.id, now)}
    return [batch_id for batch_id in before.batches if batch_id not in found]


def _is_same(
    before: Unchanged, names: bytes, looks: BatchLooks, listed: list[Batch], client: AsyncClient
) -> bool:
    """Tell whether a run, and what is seen of its batches, are as they were."""
    seen = running(looks.by_batch)
    shown = {batch.id: batch for batch in [*listed, *seen]}
    is_same = before.digest == digest_of(names, shown.values())
    return len(seen) == len(looks.by_batch) and is_same and before.is_at(client.now())


def _of(found: Unchanged | None, origin: str, names: bytes, looks: BatchLooks) -> Unchanged | None:
    if found is None:
        return None
    digest = digest_of(names, running(looks.by_batch))
    return msgspec.structs.replace(found, origin=origin, digest=digest)


def _read(store: RunStore, origin: str, *, rests: bool) -> tuple[Run, Queue, bytes]:
    run = read_run(store, origin)
    queue, names = read_queue(store, run), names_digest(store)
    if rests:
        store.rest(without_texts)
    return run, queue, names


def _decided(looks: BatchLooks, run: Run, queue: Queue, tokens: TokenQueue) -> Looked:
    decision = looks.decide(run, queue, tokens)
    step = Due() if decision.actions else decision.step
    progress = looks.progress(run, queue, tokens)
    same = unchanged(run, queue, looks.by_batch, decision, progress)
    return Looked(step=step, progress=progress, unchanged=same)


async def _look_at_list(client: AsyncClient, looks: BatchLooks, run: Run) -> None:
    """Look at many batches by the list; what it does not show clearly is looked at by itself."""
    sends = looks.unlooked_sends(run)
    pages = pages_for(sends)
    if not pages:
        return
    unseen = {send.batch.id for send in sends if send.batch is not None}
    try:
        async with aclosing(client.pages_back_to(oldest_of(sends), pages, unseen.__contains__)) as pages_read:
            async for page in pages_read:
                looks.saw_listed(run, sends, page)
                unseen -= {batch.id for batch in page}
                if not unseen:
                    return
    except (*DENIED, *UNSEEN, ListFailed) as error:
        looks.take_rest(error)


def _look_at_shared(
    client: AsyncClient, shared: SharedList, looks: BatchLooks, run: Run, listed: list[Batch] | None
) -> None:
    """Look at few batches by the list that is read for many runs, or by what it has shown of them already."""
    looks.rest = max(looks.rest, shared.rest)
    sends = looks.unlooked_sends(run)
    if 0 < len(sends) <= FEW and not looks.is_to_rest:
        looks.saw_listed(run, sends, shared.shown(client, sends) if listed is None else listed)


async def _look_at(client: AsyncClient, looks: BatchLooks, batch_ids: Iterable[str]) -> None:
    """Look at all batches, some together; as soon as the API asks to be left alone, at no more."""
    gate = asyncio.Semaphore(MOST_LOOKS_AT_ONCE)

    async def look_at(batch_id: str) -> None:
        async with gate:
            if looks.is_to_rest:
                looks.missed(batch_id)
                return
            try:
                looks.saw(batch_id, await client.retrieve(batch_id))
            except DENIED:
                raise
            except UNSEEN as error:
                looks.missed(batch_id, error)

    await asyncio.gather(*map(look_at, batch_ids))


async def _sees_time(client: AsyncClient, looks: BatchLooks) -> bool:
    """Learn the API time; False where it cannot be read now."""
    try:
        await client.tick()
    except DENIED:
        raise
    except openai.OpenAIError as error:
        looks.take_rest(error)
        return False
    return True


async def _tokens(
    client: AsyncClient, looks: BatchLooks, run: Run, models: set[str], shared: SharedList | None
) -> TokenQueue:
    """Count the tokens of our live batches if a budget asks for it, and as far as they are listed."""
    if not looks.is_counted(run, models):
        return looks.tokens(run, None)
    try:
        if shared is None:
            return looks.tokens(run, await client.list_back_to(oldest_alive(client.now())))
        return looks.tokens(run, await shared.live.listed(client))
    except DENIED:
        raise
    except (openai.OpenAIError, ListFailed):
        return looks.tokens(run, None)
