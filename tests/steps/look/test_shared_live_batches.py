"""Runs that wait for room in one token queue count it together.

KIND: calls that grow with runs times batches, where each run asks for what all of them are told.
"""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from airflow_provider_openai_batch.batch.api.objects import Batch, BatchStatus
from airflow_provider_openai_batch.steps.look.shared_live_batches import LIFE, SharedLiveBatches

RUNS = 200
LIVE, ENDED = Batch(id="batch-1", status=BatchStatus.IN_PROGRESS), Batch(id="b", status=BatchStatus.COMPLETED)


class Api:
    """A connection that is listed when it is let, and the loop's clock."""

    def __init__(self) -> None:
        self.seconds, self.lists = 0.0, 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.error: Exception | None = None
        self.batches = [LIVE, ENDED]
        self.live = SharedLiveBatches(lambda: self.seconds)

    def now(self) -> float:
        return self.seconds

    async def list_back_to(self, _: float) -> list[Batch]:
        self.lists += 1
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return self.batches

    def looks(self, count: int) -> list[asyncio.Task[Any]]:
        return [asyncio.create_task(self.live.listed(self)) for _ in range(count)]  # type: ignore[arg-type]


def test_many_runs_make_one_list_a_minute():
    """Those that look together share one listing, which counts for a minute; what has ended is not kept."""

    async def play() -> None:
        api = Api()
        for minute in range(1, 4):
            seen = [*await asyncio.gather(*api.looks(RUNS)), *await asyncio.gather(*api.looks(RUNS))]
            assert all(batches == (LIVE,) for batches in seen)
            assert api.lists == minute
            api.seconds += LIFE

    asyncio.run(play())


def test_the_last_end_of_each_model_is_kept():
    """It tells when there was room again; of what ended before, nothing is needed."""

    async def play() -> None:
        api = Api()
        api.seconds = 100.0
        api.batches = [LIVE, ended("a", 10.0), ended("b", 30.0), ended("c", 20.0), ended("d", 5.0, "n")]

        assert [batch.id for batch in await api.live.listed(api)] == ["batch-1", "b", "d"]  # type: ignore[arg-type]

    asyncio.run(play())


def ended(name: str, at: float, model: str = "m") -> Batch:
    return Batch(id=name, status=BatchStatus.COMPLETED, ended_at=at, metadata={"model": model})


def test_a_run_that_is_stopped_stops_no_other():
    """The listing goes on for those that still wait for it."""

    async def play() -> None:
        api = Api()
        api.may_answer.clear()
        first, second = api.looks(2)
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        api.may_answer.set()

        assert (await second, first.cancelled(), api.lists) == ((LIVE,), True, 1)

    asyncio.run(play())


def test_a_failure_is_told_to_all_and_kept_by_none():
    """Who looks after that asks again."""

    async def play() -> None:
        api = Api()
        api.error = openai.OpenAIError("refused")
        seen = await asyncio.gather(*api.looks(3), return_exceptions=True)
        assert (seen, api.lists) == ([api.error] * 3, 1)

        api.error = None
        (look,) = api.looks(1)
        assert (await look, api.lists) == ((LIVE,), 2)

    asyncio.run(play())


@pytest.mark.parametrize("together", [True, False])
def test_stopping_ends_a_listing(together: bool):
    """No task is left behind when the last trigger goes."""

    async def play() -> None:
        api = Api()
        api.may_answer.clear()
        looks = api.looks(1 + together)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        api.live.stop()
        seen = await asyncio.gather(*looks, return_exceptions=True)

        assert all(isinstance(one, asyncio.CancelledError) for one in seen)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(play())
