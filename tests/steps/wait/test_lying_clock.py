"""A clock that lies while facts are written: none of them holds the run back until a time that never was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Finish
from airflow_provider_openai_batch.batch.run.facts import Lost
from airflow_provider_openai_batch.batch.run.future_dates import send_as_of
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.wait.advance import first_look
from tests.steps.wait.test_distrust import connect

if TYPE_CHECKING:
    from tests.steps.conftest import Pipeline

FORTY_DAYS = 40 * 86_400
#: What the API does while its dates lie; each makes the run write down when to go on.
TROUBLES: dict[str, tuple[str, dict[str, Any]]] = {
    "an unclear create": ("server_error", {"route": "create"}),
    "an unclear create that acted": ("server_error", {"route": "create", "after": True}),
    "a limit of the rate": ("rate_limit", {"route": "create"}),
    "a limit of the rate with a time": ("rate_limit", {"route": "create", "retry_after": 60}),
    "a full queue": ("token_limit", {"limit": 1}),
    "no credit": ("quota_refused", {"route": "create"}),
    "no credit in the batch": ("quota_spent", {}),
    "an upload that fails": ("server_error", {"route": "upload"}),
    "half a file of answers": ("output_grows", {"share": 0.5, "seconds": 1_200}),
    "answers that fail": ("server_error", {"route": "content"}),
    "a batch that is not found": ("vanished", {"listed": True, "times": 4}),
}


@pytest.mark.parametrize("by", [FORTY_DAYS, -FORTY_DAYS])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_run_goes_on_when_the_clock_is_right_again(pipeline: Pipeline, trouble: str, by: int):
    """KIND: times that a lying clock wrote down. Refusals, failed tries, half copies: all are tried again."""
    name, options = TROUBLES[trouble]
    pipeline.emulator.fault(name, **options)
    pipeline.emulator.fault("date_skew", by=by, times=None)
    pipeline.submit()
    for _ in range(2):
        pipeline.emulator.advance(600)
        pipeline.advance()
    pipeline.emulator.clear_faults()

    for _ in range(24):
        connect(pipeline)
        pipeline.emulator.advance(900)
        if isinstance(pipeline.advance(), Finish):
            break
    pipeline.load()

    not_run = sum(shown.tally.unpaid for shown in read_run(pipeline.store).sends if shown.tally) // 10
    assert pipeline.statuses() == {"ok": 10}
    assert pipeline.times_executed == [1 + not_run] * 10


def test_a_fence_of_a_time_to_come_is_made_anew(pipeline: Pipeline):
    """KIND: times that a lying clock wrote down. The batch is listed late: the true fence is waited for."""
    pipeline.emulator.fault("server_error", route="create", after=True)
    pipeline.submit()
    pipeline.emulator.fault("list_lag", lag=1_300)
    pipeline.emulator.fault("date_skew", by=FORTY_DAYS, times=None)
    connect(pipeline)
    pipeline.emulator.advance(900)
    pipeline.advance()
    assert read_run(pipeline.store).sends[0].fenced_at
    pipeline.emulator.clear_faults()
    pipeline.emulator.fault("list_lag", lag=1_300)

    for _ in range(10):
        connect(pipeline)
        pipeline.emulator.advance(100)
        pipeline.advance()
    pipeline.wait()
    pipeline.load()

    assert (pipeline.statuses(), pipeline.times_executed) == ({"ok": 10}, [1] * 10)


def test_a_doubt_of_a_time_to_come_ends(pipeline: Pipeline):
    """KIND: times that a lying clock wrote down. Nothing was made; the file is revoked, and sent again."""
    pipeline.emulator.fault("server_error", route="create")
    pipeline.submit()
    pipeline.emulator.fault("date_skew", by=FORTY_DAYS, times=None)
    connect(pipeline)
    pipeline.emulator.advance(900)
    pipeline.advance()
    pipeline.emulator.clear_faults()

    connect(pipeline)
    pipeline.wait(0.25)
    pipeline.load()

    assert (pipeline.statuses(), pipeline.times_executed) == ({"ok": 10}, [1] * 10)


def test_patience_is_counted_anew_when_the_clock_lied(pipeline: Pipeline):
    """KIND: times that a lying clock wrote down. A sensor that looked first in forty days looks first now."""
    store, now = pipeline.store, 1_800_000_000.0
    first_look(store, 0, now + FORTY_DAYS)

    assert first_look(store, 0, now) == now
    assert first_look(store, 0, now + 900) == now


def test_a_batch_that_was_replaced_stays_so(pipeline: Pipeline):
    """KIND: times that a lying clock wrote down. What was found out then is not a time to wait for."""
    pipeline.submit()
    (send,) = read_run(pipeline.store).sends
    assert send.batch is not None
    replaced = Lost(at=send.intent.at + FORTY_DAYS, batch_id=send.batch.id, replaced_by="batch_ours")
    unknown = Lost(at=send.intent.at + FORTY_DAYS, batch_id=send.batch.id)

    seen = send_as_of(replace(send, lost=(replaced, unknown)), send.intent.at)

    assert (seen.lost, seen.own) == ((replaced,), ())
