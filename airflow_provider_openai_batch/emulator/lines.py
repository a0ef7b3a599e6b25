"""Faults of single lines: requests that fail, odd answers, and broken output lines."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.emulator.answers import Answer

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.settings import Settings
    from airflow_provider_openai_batch.emulator.state import Batch

_encode = msgspec.json.Encoder().encode


class LineFaults:
    """What the faults of one batch, and the fail ratio, do to its lines."""

    def __init__(self, batch: Batch, settings: Settings) -> None:
        self._number = batch.number
        self._ratio = settings.fail_ratio
        self._salt = settings.seed

    def failure(self, custom_id: str) -> Answer | None:
        """The failed answer of a request that was chosen to fail."""
        return None

    def twist(self, custom_id: str, answer: Answer) -> Answer:
        """The answer as the faults change it."""
        return answer

    def dress(self, line: dict[str, Any]) -> bytes:
        """The line as it is written."""
        return _encode(line) + b"\n"

    def foreign(self) -> bytes:
        """Lines that nobody asked for."""
        return b""
