"""Transfers that have ended when they are begun: all that a process does is in one order again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from airflow_provider_openai_batch.client.transfers import Transfer, Transfers

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class InOrder(Transfers):
    """Moves each file as soon as it is begun, which may be before its turn; who is killed in it is dead."""

    def __init__(self) -> None:
        super().__init__(least=0)

    def begin(self, move: Callable[[], T]) -> Transfer[T]:
        """Move it."""
        transfer = Transfer(move)
        transfer.run()
        if transfer.error is not None and not isinstance(transfer.error, Exception):
            raise transfer.error
        return transfer
