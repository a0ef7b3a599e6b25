"""One list for many runs saves calls; whatever it shows, no look is misled, and none is late for long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest

from airflow_provider_openai_batch.batch.api.objects import Batch, BatchStatus, Gone, RequestCounts
from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.batch.decisions.actions import Due, Wait
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.send import Send
from airflow_provider_openai_batch.client.async_client import AsyncClient
from airflow_provider_openai_batch.client.same_origin import AsyncSameOrigin
from airflow_provider_openai_batch.steps.look.async_look import look
from airflow_provider_openai_batch.steps.look.listed_looks import FEW
from airflow_provider_openai_batch.steps.look.shared_list import AGAIN, LIFE, LONGEST, SharedList

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

MANY = 100
INTENT = facts.Intent(
    at=0.0, file_id="file-1", file_created_at=0.0, origin="", model="m", tokens=1, attempt=1, epoch=0
)
REFUSED = httpx.Response(429, headers={"retry-after": "600"}, request=httpx.Request("GET", "http://api"))
FAILURES = [
    ListFailed("The list of batches has no data."),
    openai.RateLimitError("wait", response=REFUSED, body=None),
    openai.APIConnectionError(request=REFUSED.request),
]


def batch(number: int, **changed: Any) -> Batch:
    counts = RequestCounts(total=10, completed=4, failed=0)
    return Batch(id=f"batch-{number}", status=BatchStatus.IN_PROGRESS, request_counts=counts, **changed)


def send(number: int) -> Send:
    return Send(shard=f"shard-{number}", id="0001-a", intent=INTENT, batches=(batch(number),))


class Api:
    """A connection whose list shows what it is told to, and the two clocks."""

    def __init__(self, listed: list[Batch] | Exception) -> None:
        self.listed = listed
        self.seconds = self.api_seconds = 0.0
        self.lists: list[int | None] = []
        self.shared = SharedList(lambda: self.seconds)

    def now(self) -> float:
        return self.api_seconds

    async def pages_back_to(
        self, oldest: float, most_pages: int | None = None, wanted: Callable[[str], bool] | None = None
    ) -> AsyncGenerator[tuple[Batch, ...], None]:
        self.lists.append(most_pages)
        if isinstance(self.listed, Exception):
            raise self.listed
        yield tuple(batch for batch in self.listed if wanted is None or wanted(batch.id))

    def pass_by(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.seconds += seconds
        self.api_seconds += seconds

    async def look(self, numbers: range) -> list[Batch]:
        """Look at one batch after the other; return what the list showed, and wait until it is read."""
        shown = [entry for number in numbers for entry in self.shared.shown(self, [send(number)])]  # type: ignore[arg-type]
        if self.shared.reading is not None:
            await self.shared.reading
        return shown

    async def learn(self, looks: int = MANY) -> None:
        """Look until a list is worth reading, and read it."""
        await self.look(range(looks))
        self.pass_by(AGAIN)
        await self.look(range(1))


def test_few_looks_read_no_list():
    """They cost less than a page."""
    api = Api([batch(number) for number in range(MANY)])

    async def minutes() -> list[Batch]:
        shown = []
        for _ in range(10):
            shown += await api.look(range(FEW))
            api.pass_by(LIFE + 1)
        return shown

    assert asyncio.run(minutes()) == []
    assert api.lists == []


def test_a_list_stands_for_many_looks_and_once_for_each():
    """Kind: a call for each batch; a second look at one is no wiser for the same entry."""
    api = Api([batch(number) for number in range(MANY)])

    async def looks() -> tuple[list[Batch], list[Batch]]:
        await api.learn()
        return await api.look(range(MANY)), await api.look(range(MANY))

    first, second = asyncio.run(looks())

    assert first == api.listed
    assert second == []
    assert len(api.lists) == 1
    assert api.lists[0] in range(1, MANY // 10)


def test_an_entry_is_read_only_if_a_look_may_take_it():
    """Of ten thousand runs that wait, a few are looked at before the list is too old."""
    api = Api([batch(number) for number in range(MANY)])
    soon, late, ended = range(10), range(10, 90), range(90, MANY)

    async def looks() -> tuple[list[Batch], list[Batch], list[Batch]]:
        await api.look(range(MANY))
        api.shared.expect([batch(number).id for number in soon], AGAIN + LIFE / 2)
        api.shared.expect([batch(number).id for number in [*late, *ended]], 10 * LIFE)
        api.shared.forget([batch(number).id for number in ended])
        api.pass_by(AGAIN)
        await api.look(range(1))
        return await api.look(soon), await api.look(late), await api.look(ended)

    assert asyncio.run(looks()) == (api.listed[:10], [], api.listed[90:])


def test_entries_of_others_are_read_while_new_runs_come():
    """Beside many batches of others, they would be read for nobody."""
    api = Api([batch(number) for number in range(100 * MANY)])
    ours = [batch(number).id for number in range(MANY)]

    async def minutes() -> list[int]:
        found = []
        for _ in range(4):
            shown = await api.look(range(MANY))
            api.shared.expect(ours, 30)
            api.pass_by(AGAIN)
            await api.look(range(1))
            found.append(len(shown) and len(api.shared._entries))
        return found

    assert max(asyncio.run(minutes())[2:]) <= MANY


@pytest.mark.parametrize("clock", ["seconds", "api_seconds"])
def test_an_entry_grows_old(clock: str):
    """On either clock: a machine may sleep, and an API may jump."""
    api = Api([batch(number) for number in range(MANY)])

    async def looks() -> list[Batch]:
        await api.learn()
        setattr(api, clock, getattr(api, clock) + LIFE + 1)
        return await api.look(range(MANY))

    assert asyncio.run(looks()) == []


@pytest.mark.parametrize("listed", [[], [batch(10_000 + number) for number in range(MANY)]])
def test_a_list_without_our_batches_is_read_seldom(listed: list[Batch]):
    """It is empty, or another project's, or others have newer batches: each look calls by itself."""
    api = Api(listed)

    async def an_hour() -> list[Batch]:
        shown = []
        for _ in range(240):
            shown += await api.look(range(MANY))
            api.pass_by(15)
        return shown

    assert asyncio.run(an_hour()) == []
    assert 3_600 / LONGEST <= len(api.lists) <= 10


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_list_that_fails_is_left_alone_for_a_while(failure: Exception):
    """The looks go on without it, and begin to use it once it is there."""
    api = Api(failure)

    async def looks() -> tuple[list[Batch], int, list[Batch]]:
        await api.learn()
        failed = await api.look(range(MANY))
        lists = len(api.lists)
        api.listed = [batch(number) for number in range(MANY)]
        api.pass_by(LONGEST)
        await api.look(range(MANY))
        api.pass_by(LONGEST)
        await api.look(range(MANY))
        return failed, lists, await api.look(range(MANY))

    assert asyncio.run(looks()) == ([], 1, api.listed)
    assert api.shared.rest == (AGAIN + 600 if isinstance(failure, openai.RateLimitError) else 0)


class WatchedClient(AsyncClient):
    """Counts the looks at single batches."""

    looks = 0

    async def retrieve(self, batch_id: str) -> Batch | Gone:
        self.looks += 1
        return await super().retrieve(batch_id)


class Crowd:
    """One run beside many others of its connection, on a clock that is set by hand."""

    def __init__(self, pipeline: Any) -> None:
        self.emulator = pipeline.emulator
        pipeline.limits = {"requests_per_shard": 1}
        pipeline.fill([(number, f"row {number}") for number in range(FEW)]).submit()
        self.store = pipeline.store
        self.seconds = 0.0
        self.shared = SharedList(lambda: self.seconds)

    async def look(self, ended: bool, **fault: Any) -> tuple[type, int]:
        """Learn the list, let the batches end or not, and look once; give the step, and the single looks."""
        emulator = self.emulator
        async with openai.AsyncOpenAI(
            base_url=emulator.base_url, api_key=emulator.api_key, http_client=AsyncSameOrigin(verify=False)
        ) as api:
            client = WatchedClient(api)
            if fault:
                await asyncio.to_thread(emulator.fault, **fault)
            await look(self.store, client, Settings(), self.shared)
            self.shared.shown(client, [send(number) for number in range(MANY)])
            self.seconds += AGAIN
            self.shared.shown(client, [send(number) for number in range(MANY)])
            if self.shared.reading is not None:
                await self.shared.reading
            if ended:
                await asyncio.to_thread(emulator.advance, 3_600)
                await client.tick()
            client.looks = 0
            looked = await look(self.store, client, Settings(), self.shared)
        return type(looked.step), client.looks


def test_a_run_that_waits_is_looked_at_by_the_shared_list(pipeline: Any):
    """Kind: a call for each batch, but now and then."""
    pipeline.emulator.take(3_000)

    step, looks = asyncio.run(Crowd(pipeline).look(ended=False))

    assert step is Wait
    assert looks < FEW


def test_an_end_is_seen_although_an_older_list_is_known(pipeline: Any):
    """The list showed the batches as running, and is a minute old: each is looked at."""
    pipeline.emulator.take(3_000)

    assert asyncio.run(Crowd(pipeline).look(ended=True)) == (Due, FEW)


def test_a_list_that_lags_hides_no_batch(pipeline: Any):
    """What it does not show is looked at as ever."""
    pipeline.emulator.take(3_000)

    looked = asyncio.run(Crowd(pipeline).look(ended=False, name="list_lag", lag=86_400))

    assert looked == (Wait, FEW)


def test_while_the_api_asks_for_rest_nobody_calls(pipeline: Any):
    """What was answered to the list holds for the looks, too."""
    pipeline.emulator.take(3_000)

    looked = asyncio.run(Crowd(pipeline).look(ended=False, name="rate_limit", route="list", retry_after=600))

    assert looked == (Wait, 0)
