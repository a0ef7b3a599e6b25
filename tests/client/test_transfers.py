"""Files move in threads of their own."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest

from airflow_provider_openai_batch.client.transfers import MOST_AHEAD, Transfers
from tests.world.in_order import InOrder

LONGEST = 60.0
WORD: ContextVar[str] = ContextVar("word", default="")


@pytest.mark.parametrize("kind", [Transfers, InOrder])
def test_a_transfer_gives_what_came_of_it(kind: type[Transfers]):
    """Asked for once or twice."""
    transfer = kind().begin(lambda: "moved")

    assert (transfer.result(), transfer.result(), transfer.error) == ("moved", "moved", None)


@pytest.mark.parametrize("kind", [Transfers, InOrder])
def test_an_error_is_raised_where_the_result_is_asked_for(kind: type[Transfers]):
    """Nobody else hears of it; `error` tells that there is one."""

    def fail() -> None:
        raise OSError("the disk is full")

    transfer = kind().begin(fail)

    with pytest.raises(OSError, match="full"):
        transfer.result()
    assert isinstance(transfer.error, OSError)


def test_what_stops_a_process_is_raised_too():
    """In a thread, as anything; without one, at once."""

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Transfers().begin(stop).result()
    with pytest.raises(KeyboardInterrupt):
        InOrder().begin(stop)


def test_transfers_move_at_the_same_time():
    """Each waits until all are there: one after the other, none would end."""
    together = threading.Barrier(MOST_AHEAD, timeout=LONGEST)

    begun = [Transfers().begin(together.wait) for _ in range(MOST_AHEAD)]

    assert sorted(transfer.result() for transfer in begun) == [0, 1, 2]


def test_a_transfer_runs_in_the_context_that_has_begun_it():
    """Log lines of the SDK belong to the same task."""
    WORD.set("this task")

    assert Transfers().begin(WORD.get).result() == "this task"


def test_a_process_does_not_wait_for_its_transfers():
    """Their threads are daemons: a task that is killed ends."""
    assert Transfers().begin(lambda: threading.current_thread().daemon).result()
