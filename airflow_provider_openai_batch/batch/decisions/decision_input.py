"""What a decision is made on beside the run: the last look at each batch, the time, and the settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.objects import Batch, Gone
from airflow_provider_openai_batch.batch.decisions.token_queue import TokenQueue

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Times in seconds of API time; `settle` is how long an unclear create may still act."""

    settle: float = 600.0


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A look that failed; it says nothing about the batch."""

    reason: str


Look = Batch | Gone | Unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the API showed, when, and the settings that apply; `tokens` as far as they are counted."""

    looks: Mapping[str, Look]
    now: float
    settings: Settings = Settings()
    tokens: TokenQueue = field(default_factory=TokenQueue)
