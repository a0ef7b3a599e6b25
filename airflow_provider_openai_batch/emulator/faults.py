"""Faults with names, switched on at the start or while the emulator runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.emulator.state import Batch, Fault, LineError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from airflow_provider_openai_batch.emulator.clock import Clock
    from airflow_provider_openai_batch.emulator.state import State


class Faults:
    """The faults that are switched on."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    def add(self, name: str, options: dict[str, Any]) -> Fault:
        """Switch a fault on."""
        fault = Fault(name=name, options=options)
        self._state.add_fault(fault)
        return fault

    def clear(self) -> None:
        """Switch all faults off."""
        self._state.clear_faults()

    def attached(self) -> tuple[Fault, ...]:
        """The faults that a batch created now will have."""
        return tuple(self._state.faults())

    def has(self, batch: Batch, name: str) -> bool:
        """Whether a batch has a fault."""
        return any(fault.name == name for fault in batch.faults)

    def refused(self, batch: Batch) -> tuple[LineError, ...]:
        """The validation errors that faults make."""
        return ()

    def dressed(self, view: dict[str, Any]) -> dict[str, Any]:
        """A batch as the faults show it."""
        return view

    def paged(self, page: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        """A list of batches as the faults show it."""
        return page

    async def pass_through(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a call to the app, or to the fault that strikes it."""
        await app(scope, receive, send)
