"""What the emulator is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits are those that OpenAI documents; everything else is off."""

    data: Path
    #: Seconds from a batch's create to its end; 0 ends it at the next look.
    seconds_to_complete: float = 0
    #: Input tokens that may be enqueued per model; None: no limit.
    queue_tokens: int | None = None
    #: Keys that are accepted; none given: any.
    api_keys: tuple[str, ...] = ()
    #: Further model names that exist; `*` accepts any name.
    models: tuple[str, ...] = ()
    #: The share of requests that fail, a part of them for good.
    fail_ratio: float = 0
    seed: int = 0
    requests_per_batch: int = 50_000
    bytes_per_file: int = 200_000_000
    context_tokens: int = 272_000
