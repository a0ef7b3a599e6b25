"""A run that is as it was at its last look is neither read nor decided on again, and nothing is missed."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import openai
import pytest

from airflow_provider_openai_batch.batch.api.objects import BatchStatus
from airflow_provider_openai_batch.batch.decisions.actions import Decision, Wait
from airflow_provider_openai_batch.batch.decisions.decide import decide
from airflow_provider_openai_batch.batch.decisions.decision_input import Moment, Settings, Unreachable
from airflow_provider_openai_batch.batch.decisions.progress import progress_of
from airflow_provider_openai_batch.batch.run.facts import Stop
from airflow_provider_openai_batch.client.async_client import AsyncClient
from airflow_provider_openai_batch.client.same_origin import AsyncSameOrigin
from airflow_provider_openai_batch.steps.look.async_look import look
from airflow_provider_openai_batch.steps.look.shared_list import SharedList
from airflow_provider_openai_batch.steps.look.unchanged_run import unchanged
from airflow_provider_openai_batch.steps.run_folder.read import read_queue, read_run
from airflow_provider_openai_batch.store.run_store import RunStore
from tests.world.pipeline import run_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from airflow_provider_openai_batch.steps.look.batch_looks import Looked

MINUTE, HOUR = 60, 3_600


class CountedStore(RunStore):
    """Counts how often the folder is listed, and the facts that are asked for."""

    lists = facts = 0

    def list(self, below: str = "") -> frozenset[str]:
        self.lists += 1
        return super().list(below)

    def once(self, key: str, read: Callable[[], Any]) -> Any:
        self.facts += 1
        return super().once(key, read)


class Onlooker:
    """Looks at one run again and again, as its trigger does, and counts what each look reads."""

    def __init__(self, pipeline: Any, client: AsyncClient) -> None:
        self.pipeline, self.client = pipeline, client
        self.store = CountedStore(run_folder(f"file://{pipeline.folder}/runs", pipeline.run_id))
        self.shared = SharedList(lambda: 0.0)
        self.before: Any = None

    async def look(self) -> tuple[Looked, int, int]:
        """Return what was found, how often the folder was listed, and how many facts were asked for."""
        await asyncio.to_thread(self.pipeline.emulator.advance, MINUTE)
        await self.client.tick()
        self.store.lists = self.store.facts = 0
        looked = await look(self.store, self.client, Settings(), self.shared, self.before)
        self.before = looked.unchanged or self.before
        return looked, self.store.lists, self.store.facts

    async def fresh(self) -> Looked:
        """Look as somebody who knows nothing."""
        return await look(self.pipeline.store, self.client, Settings())


@asynccontextmanager
async def onlooker(pipeline: Any) -> AsyncIterator[Onlooker]:
    emulator = pipeline.emulator
    async with openai.AsyncOpenAI(
        base_url=emulator.base_url,
        api_key=emulator.api_key,
        max_retries=0,
        http_client=AsyncSameOrigin(verify=False),
    ) as api:
        client = AsyncClient(api)
        await asyncio.to_thread(emulator.advance, 5 * MINUTE)  # until its batches run
        yield Onlooker(pipeline, client)


@pytest.fixture
def run(pipeline: Any) -> Any:
    """Give a run of two batches that are in flight."""
    pipeline.emulator.take(2 * 86_400)
    pipeline.limits = {"requests_per_shard": 3}
    pipeline.fill([(number, f"row {number}") for number in range(6)]).submit()
    return pipeline


def test_an_unchanged_run_is_listed_and_not_read(run: Any):
    """Kind: one listing, and no fact of it, however often it is looked at."""

    async def looks() -> list[tuple[Looked, int, int]]:
        async with onlooker(run) as someone:
            return [await someone.look() for _ in range(3)]

    first, *later = asyncio.run(looks())

    assert first[2] > 0
    assert [(lists, facts) for _, lists, facts in later] == [(1, 0)] * 2
    assert [type(looked.step) for looked, _, _ in later] == [Wait] * 2


@pytest.mark.parametrize("hours", [0, 1, 11, 23, 25, 40])
def test_it_finds_what_a_fresh_look_finds(run: Any, hours: int):
    """Whatever has happened to its batches meanwhile, and however late it is."""

    async def looks() -> tuple[Looked, Looked]:
        async with onlooker(run) as someone:
            await someone.look()
            await asyncio.to_thread(run.emulator.advance, hours * HOUR)
            await someone.client.tick()
            return (await someone.look())[0], await someone.fresh()

    found, fresh = asyncio.run(looks())

    assert type(found.step) is type(fresh.step)
    assert found.progress == msgspec.structs.replace(fresh.progress, at=found.progress.at)


def test_a_new_file_is_read(run: Any):
    """A worker writes on while the trigger waits, or a person cancels the run."""

    async def looks() -> list[tuple[Looked, int, int]]:
        async with onlooker(run) as someone:
            await someone.look()
            await asyncio.to_thread(run.store.put, "stops/1.json", Stop(at=run.emulator.now, epoch=0))
            return [await someone.look(), await someone.look()]

    changed, again = asyncio.run(looks())

    assert changed[2] > 0
    assert again[2] == 0


def test_another_api_is_another_run(run: Any):
    """A connection that leads elsewhere by now knows nothing of these batches."""

    async def looks() -> int:
        async with onlooker(run) as someone:
            await someone.look()
            someone.before = msgspec.structs.replace(someone.before, origin="http://elsewhere/v1")
            return (await someone.look())[2]

    assert asyncio.run(looks()) > 0


def test_an_outage_is_no_change(run: Any):
    """What was known before it holds after it."""

    async def looks() -> list[tuple[Looked, int, int]]:
        async with onlooker(run) as someone:
            await someone.look()
            await asyncio.to_thread(run.emulator.fault, "server_error", route="retrieve", times=2)
            return [await someone.look(), await someone.look()]

    blind, seeing = asyncio.run(looks())

    assert blind[0].progress.unseen == 2
    assert blind[0].unchanged is None
    assert (type(seeing[0].step), seeing[2]) == (Wait, 0)


def decided(run: Any, now: float, looks: Any) -> tuple[Decision, Any]:
    found = read_run(run.store)
    queue = read_queue(run.store, found)
    moment = Moment(looks=looks, now=now)
    decision = decide(found, queue, moment)
    return decision, unchanged(found, queue, looks, decision, progress_of(found, queue, moment))


def test_until_its_time_the_decision_is_the_same(run: Any):
    """It rests on no time that was measured once: what is due, and the deadline, end it."""
    looks = {send.batch.id: send.batch for send in read_run(run.store).sends if send.batch}
    now = run.client.now()

    first, kept = decided(run, now, looks)
    times = [now + share * (kept.until - now) for share in (0, 0.1, 0.5, 0.9, 0.999)]

    assert all(decided(run, time, looks)[0] == first for time in times)
    assert all(kept.is_at(time) for time in times)
    assert not kept.is_at(kept.until)
    assert not kept.is_at(now - 1)


def test_what_may_be_due_at_any_time_is_decided_anew(run: Any):
    """Something is still to be sent, or a batch was not seen, or has ended."""
    looks = {send.batch.id: send.batch for send in read_run(run.store).sends if send.batch}
    name, shown = next(iter(looks.items()))
    ended = msgspec.structs.replace(shown, status=BatchStatus.COMPLETED)

    assert decided(run, run.client.now(), looks | {name: ended})[1] is None
    assert decided(run, run.client.now(), looks | {name: Unreachable("503")})[1] is None
    assert decided(run, run.client.now(), {})[1] is None


def test_a_run_with_something_left_is_read_at_each_look(pipeline: Any):
    """Whether there is room for it, the run does not say."""
    pipeline.emulator.take(2 * 86_400)
    pipeline.limits = {"requests_per_shard": 3}
    pipeline.client.token_budgets = {"gpt-5-mini": 1}
    pipeline.fill([(number, f"row {number}") for number in range(6)]).submit()

    async def looks() -> list[tuple[Looked, int, int]]:
        async with onlooker(pipeline) as someone:
            someone.client.token_budgets = {"gpt-5-mini": 1}
            return [await someone.look() for _ in range(2)]

    assert [looked.unchanged for looked, _, _ in asyncio.run(looks())] == [None, None]
