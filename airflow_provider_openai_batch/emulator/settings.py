"""What the emulator is told when it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400
AUDIENCE, ISSUER = "https://cognitiveservices.azure.com", "https://sts.windows.net/emulator/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entra:
    """Whose tokens of Microsoft Entra ID are let in below `/openai/v1`, and what they are signed with."""

    key: str
    audience: str = AUDIENCE
    issuer: str = ISSUER

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError("entra's key is empty; give the text that tokens are signed with.")


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
    #: Below `/openai/v1` only such tokens are let in, or an `api-key`; None: any.
    entra: Entra | None = None
    #: Further model names that exist; `*` accepts any name.
    models: tuple[str, ...] = ()
    #: Names of this server beside those of loopback, as a `Host` header may have them.
    hosts: tuple[str, ...] = ()
    #: The share of requests that fail, a part of them for good.
    fail_ratio: float = 0
    seed: int = 0
    requests_per_batch: int = 50_000
    #: Summed over the requests of a batch of embeddings.
    inputs_per_batch: int = 50_000
    bytes_per_file: int = 200_000_000
    context_tokens: int = 272_000

    def __post_init__(self) -> None:
        if not 0 <= self.fail_ratio <= 1:
            raise ValueError(f"fail_ratio is {self.fail_ratio!r}; give a share from 0 (none) to 1 (all).")
        if not 0 <= self.seconds_to_complete < math.inf:
            raise ValueError(f"seconds_to_complete is {self.seconds_to_complete!r}; give 0 or more seconds.")
        if self.queue_tokens is not None and self.queue_tokens < 1:
            raise ValueError(f"queue_tokens is {self.queue_tokens!r}; give 1 or more, or None for no limit.")
