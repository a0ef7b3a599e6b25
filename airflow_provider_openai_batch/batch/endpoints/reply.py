"""What the endpoints have in common: how each asks for an output, and what its answers say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.batch.output import Output

INT64_MAX = 2**63 - 1


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer with status 200, in one form for all endpoints; `created` in seconds since 1970."""

    text: str | None = None
    parts: tuple[str, ...] = ()  #: what the text is joined of, where a part of it may be the answer
    refusal: str | None = None
    calls_tool: bool = False  #: the model waits for the result of a tool, which nobody gives in a batch
    finish_reason: str | None = None
    model: str | None = None
    created: float | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One of the API's endpoints."""

    name: str
    #: Make the columns of an output type, or refuse it.
    compile: Callable[[object], Output]
    #: Add to a body what asks for the output.
    with_output: Callable[[dict[str, Any], Output], dict[str, Any]]
    #: Read the body of an answer, whatever it lacks.
    read: Callable[[dict[str, Any]], Reply]
    #: Ask one request at once before many are sent.
    preflight: bool = False


def mapping(value: object) -> dict[str, Any]:
    """Take what should be an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """Take the objects of what should be a list of them."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def word(value: object) -> str | None:
    """Take what should be a non-empty string, or None."""
    return value if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """Take what should be a number of tokens, or None."""
    match value:
        case bool():
            return None
        case int() | float() if 0 <= value <= INT64_MAX:
            return int(value)
    return None


def moment(value: object) -> float | None:
    """Take what should be seconds since 1970, or None."""
    return value if isinstance(value, (int, float)) else None
