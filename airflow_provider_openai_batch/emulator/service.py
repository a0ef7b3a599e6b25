"""The parts of one emulator, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.emulator.batches.batches import Batches
from airflow_provider_openai_batch.emulator.faults.active import Faults
from airflow_provider_openai_batch.emulator.faults.views import Looks
from airflow_provider_openai_batch.emulator.state.clock import Clock
from airflow_provider_openai_batch.emulator.state.files import Files
from airflow_provider_openai_batch.emulator.state.ledger import Ledger
from airflow_provider_openai_batch.emulator.state.state import State

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_openai_batch.emulator.settings import Settings


class Service:
    """One emulator without HTTP."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.state = State(settings.data)
        self.clock = Clock(self.state)
        self.faults = Faults(self.state, self.clock)
        self.looks = Looks()
        self.files = Files(self.state, self.clock, settings)
        self.ledger = Ledger(self.state)
        self.batches = Batches(self.state, self.clock, settings, self.files, self.faults)


def service(request: Request) -> Service:
    """The emulator behind a request."""
    found: Service = request.app.state.service
    return found
