"""What the emulator knows about an endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec
from msgspec import Raw

from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.state.state import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_openai_batch.emulator.settings import Settings

Body: TypeAlias = dict[str, Any]
#: The keys and positions that lead to a text.
TextPlace: TypeAlias = "tuple[str | int, ...]"
Twist: TypeAlias = "Callable[[Body], Body]"
NO_USAGE = Usage()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What one request comes to."""

    #: None: no HTTP answer came; the body is then the error of the line.
    status: int | None
    #: A struct or a dict; faults change the dict that `as_dict` makes of it.
    body: Any
    usage: Usage = NO_USAGE


def as_dict(body: Any) -> Any:
    """A body as faults change it."""
    return msgspec.to_builtins(body, builtin_types=(Raw,)) if isinstance(body, msgspec.Struct) else body


class Ready(Protocol):
    """A request that has been checked, and may be answered with another text for its row's."""

    def answer(self, text: str, checksum: int, settings: Settings, now: float) -> Answer:
        """Answer it; raises ApiError where the API refuses the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint: how a body is checked and answered, and what faults can do to the answer."""

    path: str
    #: The name of its own route in faults of calls.
    route: str
    #: Checks a body and answers it; raises ApiError where the API refuses it.
    answer: Callable[[bytes | Raw, Settings, float], Answer]
    #: What the faults of answers make of a body; a fault that is not here leaves it as it is.
    twists: Mapping[str, Twist] = field(default_factory=dict)
    #: How the refusal of a stream in a batch begins; None: there is no parameter `stream`.
    streams_as: str | None = None
    #: A parameter whose absence fails the whole batch.
    required: str | None = None
    #: The model of a synchronous request that names none.
    default_model: str | None = None
    #: The inputs of one request, where their sum over a batch is limited.
    inputs: Callable[[bytes | Raw], int] | None = None
    #: Where a body that differs from others in the text of its row only has that text.
    row_text: Callable[[Any], TextPlace | None] | None = None
    #: Checks a body that has such a place, but for that text; raises ApiError where the API refuses it.
    prepare: Callable[[bytes | Raw], Ready] | None = None

    def run(self, body: bytes | Raw, settings: Settings, now: float) -> Answer:
        """Answer one request, or refuse it as the API does."""
        try:
            return self.answer(body, settings, now)
        except ApiError as error:
            return Answer(status=error.status, body=error.body)
