"""One list instead of many looks: what an entry of the list may stand for, and what it may not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airflow_provider_openai_batch.batch.api.objects import Batch, BatchStatus, Gone, RequestCounts
from airflow_provider_openai_batch.batch.api.usage import BatchUsage
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.send import Send
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.steps.look.listed_looks import FEW, SELDOM, pages_for, says_enough
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.wait.advance import advance

REQUESTS = 10
RUNNING = Batch(
    id="batch-1",
    status=BatchStatus.IN_PROGRESS,
    input_file_id="file-1",
    expires_at=90_000.0,
    request_counts=RequestCounts(total=REQUESTS, completed=4, failed=1),
)
ENDED = msgspec.structs.replace(
    RUNNING,
    status=BatchStatus.COMPLETED,
    output_file_id="file-2",
    error_file_id="file-3",
    request_counts=RequestCounts(total=REQUESTS, completed=8, failed=2),
    usage=BatchUsage(input_tokens=1, output_tokens=1),
)
INTENT = facts.Intent(
    at=0.0, file_id="file-1", file_created_at=0.0, origin="", model="m", tokens=1, attempt=1, epoch=0
)
SEND = Send(shard="shard", id="0001-a", intent=INTENT, batches=(RUNNING,))


def is_enough(entry: Batch, send: Send = SEND, now: float = 0.0) -> bool:
    return says_enough(send, entry, REQUESTS, now)


def test_a_running_batch_is_looked_at_itself_now_and_then():
    """A list that stays as it was hides no end for long."""
    taken = [is_enough(RUNNING, now=60.0 * minute) for minute in range(1_000)]

    assert 1 / (2 * SELDOM) < taken.count(False) / len(taken) < 2 / SELDOM


def test_a_whole_end_is_taken():
    """Everything that a look would show is there."""
    assert is_enough(ENDED)


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "batch-2"},
        {"input_file_id": "file-9"},
        {"input_file_id": None},
        {"status": BatchStatus.UNKNOWN},
        {"status": BatchStatus.FAILED},
        {"status": BatchStatus.EXPIRED},
        {"status": BatchStatus.CANCELLED},
        {"output_file_id": None},
        {"error_file_id": None},
        {"usage": None},
        {"request_counts": RequestCounts()},
        {"request_counts": RequestCounts(total=9, completed=8, failed=1)},
    ],
)
def test_an_end_that_lacks_something_is_looked_at(changed: dict[str, Any]):
    """What a list leaves out, or shows of another one, the batch itself tells."""
    assert not is_enough(msgspec.structs.replace(ENDED, **changed))


def test_what_should_have_ended_is_looked_at():
    """A list that lags shows as running what is through, or past its time."""
    through = msgspec.structs.replace(RUNNING, request_counts=ENDED.request_counts)
    minutes = [60.0 * minute for minute in range(1_500, 1_600)]

    assert not any(is_enough(RUNNING, now=now) for now in minutes)
    assert not any(is_enough(through, now=60.0 * minute) for minute in range(100))


def test_an_ended_batch_with_lines_missing_is_looked_at():
    """The list may show it as it was when they were missing."""
    ended = Send(
        shard="shard",
        id="0001-a",
        intent=INTENT,
        batches=(RUNNING,),
        terminals=(facts.Terminal(at=1.0, batch=ENDED),),
    )

    assert not is_enough(ENDED, ended)


def test_pages_never_cost_more_than_the_looks():
    """An account with very many batches is not read to its end."""
    assert pages_for([SEND] * FEW) == 0
    assert all(1 <= pages_for([SEND] * count) <= max(1, count // 10) for count in range(FEW + 1, 2_000))


class WatchedClient(Client):
    """Counts the looks at single batches."""

    looks = 0

    def retrieve(self, batch_id: str) -> Batch | Gone:
        self.looks += 1
        return super().retrieve(batch_id)


@pytest.mark.parametrize(("fault", "fewest", "most"), [(None, 0, 0), ("list_lag", 8, 8)])
def test_many_batches_are_collected_by_one_list(pipeline: Any, fault: str | None, fewest: int, most: int):
    """Kind: a call for each batch; what the list does not show is looked at as ever."""
    pipeline.limits = {"requests_per_shard": 1}
    pipeline.fill([(number, f"row {number}") for number in range(8)]).submit()
    pipeline.emulator.advance(3_600)
    if fault:
        pipeline.emulator.fault(fault, lag=86_400)
    client = WatchedClient(pipeline.client._api)

    advance(pipeline.store, client, Settings())

    assert fewest <= client.looks <= most
    assert all(send.tally for send in read_run(pipeline.store).sends)
