"""What a run may need next: actions, and what is said once there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.batch.decisions.remaining_requests import Part


@dataclass(frozen=True, slots=True)
class Collect:
    """The batch has ended: write its end down, copy its files, read the answers."""

    send: str
    batch: Batch


@dataclass(frozen=True, slots=True)
class Resolve:
    """Nobody knows whether a create acted: look for its batch, fence, or void."""

    send: str


@dataclass(frozen=True, slots=True)
class NoteLost:
    """The API does not know a batch: write down since when, and look in the list."""

    send: str


@dataclass(frozen=True, slots=True)
class CancelBatch:
    """The rows of a batch are not wanted any more: stop it, and keep what it has done."""

    send: str


@dataclass(frozen=True, slots=True)
class MakeChild:
    """Put what is left of a shard into a shard of its own."""

    left: Part


@dataclass(frozen=True, slots=True)
class Split:
    """The API takes this shard in parts only; a single request becomes an error."""

    shard: str


@dataclass(frozen=True, slots=True)
class SendShard:
    """Upload the shard and create its batch."""

    shard: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """Send the shard's one request synchronously, before anything is sent."""

    shard: str


@dataclass(frozen=True, slots=True)
class CapShard:
    """End the requests of a shard as cancelled: sending them would pass the run's cap."""

    shard: str
    message: str


Action = Collect | Resolve | NoteLost | CancelBatch | MakeChild | Split | SendShard | Preflight | CapShard


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing is to be done before this API time, unless the API shows something else."""

    at: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Something is in flight or waits for token budget.

    `until` is when something is due although the API shows nothing new: until then, deciding again gives
    the same. `rest` is until when the API has asked not to be called.
    """

    until: float
    rest: float = 0.0


@dataclass(frozen=True, slots=True)
class Finish:
    """Every request has its final answer, or is not waited for any more."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The API refuses the run until somebody changes something."""

    error: str


@dataclass(frozen=True, slots=True)
class Due:
    """There is something to do that needs a worker."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, and what to say once nothing more can be done."""

    actions: tuple[Action, ...]
    step: Wait | Finish | GiveUp
