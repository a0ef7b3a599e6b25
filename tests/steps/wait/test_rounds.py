"""A call of `advance` works in rounds: it lists the folder a few times, however many shards there are."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from typing import Any, BinaryIO, TypeVar

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.decisions.actions import GiveUp
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.exceptions import RunUnreadable
from airflow_provider_openai_batch.steps.run_folder.journal import Journal
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.submit.stage import stage
from airflow_provider_openai_batch.steps.wait.advance import MOST_LISTINGS, advance
from airflow_provider_openai_batch.steps.wait.cancel_batches import stop
from airflow_provider_openai_batch.store.run_store import RunStore

T = TypeVar("T")


class WatchedStore(RunStore):
    """Counts listings by folder and reads of facts, and lets somebody act before the so many-th intent."""

    def __init__(self, uri: str, at_intent: int = 0, act: Any = None) -> None:
        super().__init__(ObjectStoragePath(uri))
        self.listings: Counter[str] = Counter()
        self.opened: list[str] = []
        self.reads = 0
        self._left, self._act = at_intent, act

    def list(self, below: str = "") -> frozenset[str]:
        self.listings[below] += 1
        return super().list(below)

    def get(self, name: str, kind: type[T]) -> T:
        self.reads += 1
        return super().get(name, kind)

    def open(self, name: str) -> BinaryIO:
        self.opened.append(name)
        return super().open(name)

    def put(self, name: str, value: object) -> None:
        if name.endswith("/intent.json"):
            self._left -= 1
            if self._left == 0:
                self._act()
        super().put(name, value)


def calls_of(pipeline: Any, shards: int) -> list[WatchedStore]:
    """Submit and collect so many shards of one row; return the store of each call of `advance`."""
    pipeline.name = f"run-{shards}"
    pipeline.limits = {"requests_per_shard": 1}
    pipeline.fill([(number, f"{shards} {number}") for number in range(shards)])
    attempt = pipeline.stage().attempt
    stores = [WatchedStore(pipeline.store.uri) for _ in range(2)]
    advance(stores[0], pipeline.client, Settings(), attempt)
    pipeline.emulator.advance(3_600)
    advance(stores[1], pipeline.client, Settings())
    assert [store.listings[""] <= MOST_LISTINGS for store in stores] == [True, True]
    return stores


def listings_of(pipeline: Any, shards: int) -> list[int]:
    """Submit and collect so many shards of one row; return how often each call has listed the folder."""
    pipeline.name = f"run-{shards}"
    pipeline.limits = {"requests_per_shard": 1}
    pipeline.fill([(number, f"{shards} {number}") for number in range(shards)])
    first = WatchedStore(pipeline.store.uri)
    attempt = stage(pipeline.asked(), first, pipeline.client).attempt
    first.listings.clear()
    advance(first, pipeline.client, Settings(), attempt)
    pipeline.emulator.advance(3_600)
    second = WatchedStore(pipeline.store.uri)
    advance(second, pipeline.client, Settings())
    assert all(send.tally for send in read_run(pipeline.store).sends)
    return [first.listings[""], second.listings[""]]


def test_answers_that_were_just_downloaded_are_not_fetched_again(pipeline: Any):
    """Kind: reading back what was just written; on an object store each file of answers came down twice."""
    pipeline.fill([(1, "one"), (2, "two")]).submit()
    pipeline.emulator.advance(3_600)
    store = WatchedStore(pipeline.store.uri)

    advance(store, pipeline.client, Settings())

    raw = {name for send in read_run(pipeline.store).sends for name in send.raw}
    assert raw == {"output.jsonl"}
    assert not [name for name in store.opened if name.rpartition("/")[2] in raw]


@pytest.mark.parametrize("trouble", [None, "missing_lines"])
@pytest.mark.parametrize("budgets", [{}, {"gpt-5-mini": 1_000_000_000}])
def test_facts_are_read_once_for_each_shard(pipeline: Any, budgets: dict[str, int], trouble: str | None):
    """Kind: the whole run folded anew for each shard, to count its tokens or to look for a missing line."""
    pipeline.client.token_budgets = budgets
    if trouble:
        pipeline.emulator.fault(trouble, share=1)

    few, more, most = ([store.reads for store in calls_of(pipeline, shards)] for shards in (5, 15, 25))

    for at_few, at_more, at_most in zip(few, more, most, strict=True):
        assert at_most - at_more == at_more - at_few


def test_listings_do_not_grow_with_shards(pipeline: Any):
    """Kind: work for each shard that reads all shards; a thousand of them took hours of CPU."""
    few, many = listings_of(pipeline, 2), listings_of(pipeline, 25)

    assert few == many
    assert max(many) <= MOST_LISTINGS


@pytest.mark.parametrize(
    ("trouble", "route"),
    [
        ("server_error", "create"),
        ("rate_limit", "create"),
        ("server_error", "upload"),
        ("upload_unclear", "upload"),
    ],
)
def test_listings_are_few_in_trouble(pipeline: Any, trouble: str, route: str):
    """Also where calls are refused or unclear, what is due is worked out from what is known."""
    pipeline.limits = {"requests_per_shard": 1}
    pipeline.emulator.fault(trouble, route=route, times=None)
    store = WatchedStore(pipeline.store.uri)
    attempt = stage(pipeline.asked(), store, pipeline.client).attempt
    store.listings.clear()

    advance(store, pipeline.client, Settings(), attempt)

    assert store.listings[""] <= MOST_LISTINGS
    pipeline.emulator.clear_faults()
    assert pipeline.run().counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10


def test_a_stop_in_the_midst_is_obeyed(pipeline: Any):
    """A person who cancels while shards are being sent stops those that are not sent yet."""
    pipeline.limits = {"requests_per_shard": 1}
    store = WatchedStore(pipeline.store.uri, 3, lambda: stop(pipeline.store, pipeline.client))
    attempt = stage(pipeline.asked(), store, pipeline.client).attempt

    step = advance(store, pipeline.client, Settings(), attempt)

    assert isinstance(step, GiveUp)
    assert "cancelled" in step.error
    assert len(pipeline.emulator.batches()) == 2


def test_a_stop_of_an_empty_folder_leaves_it_empty(pipeline: Any):
    """Kind: a mark that makes a lost folder look like one that is there: its run would be paid again."""
    pipeline.submit()
    shutil.rmtree(pipeline.folder / "runs")

    stop(pipeline.store, pipeline.client)

    assert read_run(pipeline.store).empty
    with pytest.raises(RunUnreadable, match="the folder was lost"):
        pipeline.stage()
    assert len(pipeline.emulator.batches()) == 1


def test_an_attempt_that_takes_over_in_the_midst_sends_the_rest(pipeline: Any):
    """Between two shards another process registers: this one sends nothing more, and no shard goes twice."""
    pipeline.limits = {"requests_per_shard": 1}
    store = WatchedStore(
        pipeline.store.uri,
        3,
        lambda: Journal(pipeline.store, pipeline.client.now).register(read_run(pipeline.store)),
    )
    attempt = stage(pipeline.asked(), store, pipeline.client).attempt

    advance(store, pipeline.client, Settings(), attempt)

    assert len(pipeline.emulator.batches()) == 2
    assert pipeline.run().counts == {"ok": 10}
    assert len(pipeline.emulator.batches()) == 10
    assert pipeline.times_executed == [1] * 10


def test_each_batch_is_counted_in_the_log(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """Whoever reads the log sees how much of a run is sent, and how large each batch is."""
    caplog.set_level("INFO")
    pipeline.limits = {"requests_per_shard": 2}

    pipeline.fill([(number, f"row {number}") for number in range(3)]).submit()

    lines = [line for line in caplog.messages if line.startswith("Batch ")]
    assert [re.match(r"Batch \d of \d: batch_", line)[0] for line in lines] == [
        "Batch 1 of 2: batch_",
        "Batch 2 of 2: batch_",
    ]
    assert {line.rpartition(", ")[2] for line in lines} == {"2 requests.", "1 request."}
